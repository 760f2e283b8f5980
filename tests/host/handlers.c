/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Signal handlers in a C program with kcov_host. Its exit status is 0, or the line of the
 * first expectation that failed.
 */
#include <fcntl.h>
#include <kcov/host.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS 4096
#define EXPECT(truth) \
	do { \
		if (!(truth)) \
			exit(__LINE__ & 255); \
	} while (0)

void handlers_run(unsigned rounds);

static sigjmp_buf target;
static volatile sig_atomic_t handled;

static void handle(int number)
{
	(void)number;
	handlers_run(5);
	handled = handled + 1;
}

static void jump_out(int number)
{
	handle(number);
	siglongjmp(target, 1);
}

/* From below the frame of a handler that was left. */
__attribute__((noinline)) static void run_deep(void)
{
	volatile char room[128 << 10];

	room[0] = 0;
	handlers_run(5);
	room[1] = room[0];
}

int main(void)
{
	struct sigaction action = { .sa_handler = jump_out }, found;
	int fd = kcov_host_open(O_RDWR);
	uint64_t *area, once;

	EXPECT(kcov_host_ioctl(fd, KCOV_INIT_TRACE, WORDS) == 0);
	area = kcov_host_mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(area != MAP_FAILED);
	EXPECT(signal(SIGUSR1, handle) == SIG_DFL);
	EXPECT(sigaction(SIGUSR2, &action, NULL) == 0);
	EXPECT(kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0);
	area[0] = 0;
	handlers_run(5);
	once = area[0];
	EXPECT(once >= 5);
	raise(SIGUSR1);
	EXPECT(handled == 1 && area[0] == once);
	if (sigsetjmp(target, 1) == 0)
		raise(SIGUSR2);
	EXPECT(handled == 2 && area[0] == once);
	run_deep();
	EXPECT(area[0] == 2 * once);
	EXPECT(signal(SIGUSR1, SIG_DFL) == handle);
	EXPECT(sigaction(SIGUSR2, NULL, &found) == 0 && found.sa_handler == jump_out);
	EXPECT(kcov_host_ioctl(fd, KCOV_DISABLE, 0) == 0);
	return 0;
}
