/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract by plain system calls, as a client of a kernel's kcov sees it: nothing in
 * here knows of the user-space port. Each failed expectation is a line of output.
 */
#include <errno.h>
#include <fcntl.h>
#include <kcov/uapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parse.h"

#define KCOV "/sys/kernel/debug/kcov"
#define WORDS 4096ul
#define BYTES (WORDS * 8)

static int failures;

static void check(int line, const char *what, long found, long expected)
{
	if (found == expected)
		return;
	printf("line %d: %s is %ld, not %ld\n", line, what, found, expected);
	failures++;
}

/* A call's value, or its errno below zero. */
#define CALL(call) \
	__extension__({ \
		long result_ = (long)(call); \
		result_ == -1 ? -errno : result_; \
	})
#define EXPECT(call, expected) check(__LINE__, #call, CALL(call), (long)(expected))

/* Not constant, so that a fortified open() is one of the functions that check it. */
static volatile int read_write = O_RDWR;

static int open_kcov(void)
{
	int fd = open(KCOV, read_write);

	if (fd < 0) {
		perror(KCOV);
		exit(1);
	}
	return fd;
}

static int open_initialized(void)
{
	int fd = open_kcov();

	EXPECT(ioctl(fd, KCOV_INIT_TRACE, WORDS), 0);
	return fd;
}

static uint64_t *map(int fd)
{
	uint64_t *area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (area == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return area;
}

/* How many records parse_run(10) leaves with the calling thread traced through `fd`. */
static uint64_t traced(int fd, uint64_t *area)
{
	uint64_t count;

	EXPECT(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
	parse_run(10);
	count = __atomic_load_n(&area[0], __ATOMIC_RELAXED);
	EXPECT(ioctl(fd, KCOV_DISABLE, 0), 0);
	return count;
}

static int in_child(int (*body)(int), int fd)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(body(fd));
	if (waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void rule_1_opening(void)
{
	static const char *const paths[] = { KCOV, "/sys//kernel/./debug/kcov", "//sys/kernel/debug/kcov" };
	int one = open_initialized(), two, i;

	for (i = 0; i < 3; i++) {
		two = open(paths[i], O_RDWR);
		EXPECT(ioctl(two, KCOV_ENABLE, KCOV_TRACE_PC), -EINVAL); /* not initialised */
		EXPECT(close(two), 0);
	}
	two = openat(AT_FDCWD, KCOV, read_write | O_CLOEXEC);
	EXPECT(ioctl(two, KCOV_INIT_TRACE, WORDS), 0);
	EXPECT(fcntl(two, F_GETFD), FD_CLOEXEC);
	EXPECT(close(two), 0);
	EXPECT(ioctl(two, KCOV_INIT_TRACE, WORDS), -EBADF);
	two = openat(one, KCOV, O_RDWR, 0600);
	EXPECT(ioctl(two, KCOV_INIT_TRACE, WORDS), 0);
	EXPECT(ioctl(one, KCOV_INIT_TRACE, WORDS), -EBUSY);
	close(two);
	close(one);
}

static void rule_2_reading(void)
{
	volatile size_t one_byte = 1;
	char byte[8];
	struct iovec part = { byte, 1 };
	int fd = open_kcov();

	EXPECT(read(fd, byte, one_byte), -EINVAL);
	EXPECT(write(fd, byte, one_byte), -EINVAL);
	EXPECT(readv(fd, &part, 1), -EINVAL);
	EXPECT(writev(fd, &part, 1), -EINVAL);
	EXPECT(lseek(fd, 0, SEEK_SET), -ESPIPE);
	EXPECT(pread(fd, byte, one_byte, 0), -ESPIPE);
	EXPECT(pwrite(fd, byte, 1, 0), -ESPIPE);
	EXPECT(preadv(fd, &part, 1, 0), -ESPIPE);
	close(fd);
}

static void rules_3_and_4(void)
{
	int fd = open(KCOV, O_RDONLY);

	EXPECT(ioctl(fd, KCOV_INIT_TRACE, WORDS), 0);
	EXPECT(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	EXPECT(ioctl(fd, KCOV_DISABLE, 0), 0);
	EXPECT(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -EACCES);
	EXPECT(mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, 0);
	EXPECT(ioctl(fd, 0x80046301, 0), -ENOTTY);
	EXPECT(ioctl(fd, 0x5401, 0), -ENOTTY);
	close(fd);
}

static void rules_5_to_8(void)
{
	int fd = open_kcov();

	EXPECT(ioctl(fd, KCOV_INIT_TRACE, 1), -EINVAL);
	EXPECT(ioctl(fd, KCOV_INIT_TRACE, 268435456ul), -EINVAL);
	EXPECT(mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0), -EINVAL);
	EXPECT(ioctl(fd, KCOV_INIT_TRACE, WORDS), 0);
	EXPECT(ioctl(fd, KCOV_INIT_TRACE, 1), -EINVAL);
	EXPECT(ioctl(fd, KCOV_INIT_TRACE, WORDS), -EBUSY);
	EXPECT(mmap(NULL, BYTES / 2, PROT_READ, MAP_SHARED, fd, 0), -EINVAL);
	EXPECT(mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 4096), -EINVAL);
	EXPECT(mmap(NULL, BYTES * 2, PROT_READ, MAP_SHARED, fd, 0), -EINVAL);
	EXPECT(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0), -EINVAL);
	close(fd);
}

static void rules_9_to_11(void)
{
	int fd = open_initialized();
	uint64_t *one = map(fd), *two = map(fd);

	one[7] = 42;
	EXPECT(two[7], 42);
	EXPECT(munmap(two, BYTES), 0);
	close(fd);
	EXPECT(one[7], 42);
	EXPECT(munmap(one, BYTES), 0);
}

static void *enable_elsewhere(void *fd)
{
	return (void *)CALL(ioctl(*(int *)fd, KCOV_ENABLE, KCOV_TRACE_PC));
}

static void *disable_elsewhere(void *fd)
{
	return (void *)CALL(ioctl(*(int *)fd, KCOV_DISABLE, 0));
}

static long in_thread(void *(*body)(void *), int fd)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, body, &fd);
	pthread_join(thread, &result);
	return (long)result;
}

static int disable_in_child(int fd)
{
	return (int)-CALL(ioctl(fd, KCOV_DISABLE, 0));
}

static void rules_12_to_19(void)
{
	int one = open_kcov(), two = open_initialized();
	uint64_t *area, count;

	EXPECT(ioctl(one, KCOV_ENABLE, KCOV_TRACE_PC), -EINVAL);
	EXPECT(ioctl(one, KCOV_DISABLE, 0), -EINVAL);
	EXPECT(ioctl(one, KCOV_INIT_TRACE, WORDS), 0);
	EXPECT(ioctl(one, KCOV_ENABLE, 2), -EINVAL);
	EXPECT(ioctl(one, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	EXPECT(ioctl(one, KCOV_ENABLE, KCOV_TRACE_PC), -EINVAL);
	EXPECT(ioctl(two, KCOV_ENABLE, KCOV_TRACE_PC), -EBUSY);
	EXPECT(ioctl(two, KCOV_ENABLE, 99), -EBUSY);
	EXPECT(in_thread(enable_elsewhere, one), -EINVAL);
	EXPECT(in_thread(disable_elsewhere, one), -EINVAL);
	EXPECT(in_child(disable_in_child, one), EINVAL);
	EXPECT(ioctl(one, KCOV_DISABLE, 1), -EINVAL);
	EXPECT(ioctl(two, KCOV_DISABLE, 0), -EINVAL);
	EXPECT(ioctl(one, KCOV_DISABLE, 0), 0);
	EXPECT(ioctl(one, KCOV_DISABLE, 0), -EINVAL);
	EXPECT(in_thread(enable_elsewhere, one), 0); /* and the thread's end disables */
	area = map(one);
	count = traced(one, area);
	EXPECT(count >= 10, 1);
	EXPECT(traced(one, area), count);
	EXPECT(ioctl(one, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	parse_run(10);
	EXPECT(ioctl(one, KCOV_DISABLE, 0), 0);
	EXPECT(area[0], 2 * count);
	parse_run(10);
	EXPECT(area[0], 2 * count);
	munmap(area, BYTES);
	close(one);
	close(two);
}

/* syzkaller's executor has its descriptors at numbers of its choice. */
static void dup_onto_numbers(void)
{
	int fd = open_initialized(), other, copy;
	uint64_t *area;

	EXPECT(dup2(fd, 240), 240);
	EXPECT(close(fd), 0);
	EXPECT(ioctl(240, KCOV_INIT_TRACE, WORDS), -EBUSY);
	area = map(240);
	EXPECT(traced(240, area) >= 10, 1);
	EXPECT(lseek(240, 0, SEEK_SET), -ESPIPE);
	EXPECT(dup3(240, 241, O_CLOEXEC), 241);
	EXPECT(read(241, &copy, 4), -EINVAL);
	copy = fcntl(240, F_DUPFD, 300);
	EXPECT(copy, 300);
	EXPECT(read(copy, &other, 4), -EINVAL);
	other = dup(copy);
	EXPECT(read(other, &fd, 4), -EINVAL);
	EXPECT(traced(other, area) >= 10, 1);
	close(copy);
	close(other);
	/* One descriptor onto another: what was there is closed, and only there. */
	fd = open_kcov();
	EXPECT(dup2(fd, 241), 241);
	EXPECT(ioctl(241, KCOV_ENABLE, KCOV_TRACE_PC), -EINVAL);
	EXPECT(traced(240, area) >= 10, 1);
	EXPECT(dup2(fd, 240), 240);
	EXPECT(ioctl(240, KCOV_ENABLE, KCOV_TRACE_PC), -EINVAL);
	/* Another file takes the number. */
	EXPECT(dup2(STDIN_FILENO, 240), 240);
	EXPECT(ioctl(240, KCOV_ENABLE, KCOV_TRACE_PC), -ENOTTY);
	close(240);
	close(241);
	close(fd);
	munmap(area, BYTES);
}

static long maps(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	long lines = 0;
	int c;

	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

/* Descriptors that go in any of the ways there are leave nothing behind. */
static void memory(void)
{
	long before = maps();
	int i;

	for (i = 0; i < 100; i++) {
		int fd = open_initialized();

		munmap(map(fd), BYTES);
		dup2(fd, 240);
		close(fd);
	}
	close(240);
	EXPECT(maps() < before + 10, 1);
}

static int trace_in_child(int fd)
{
	uint64_t *area = map(fd);
	int before = failures;

	return traced(fd, area) >= 10 && failures == before ? 0 : 1;
}

static int is_untraced(int fd)
{
	(void)fd;
	parse_run(100);
	return 0;
}

static void forks(void)
{
	int fd = open_initialized();
	uint64_t *area = map(fd), count;

	EXPECT(in_child(trace_in_child, fd), 0);
	EXPECT(area[0] >= 10, 1); /* the child's records are in the parent's map */
	EXPECT(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	count = area[0];
	EXPECT(in_child(is_untraced, fd), 0);
	EXPECT(area[0], count);
	EXPECT(ioctl(fd, KCOV_DISABLE, 0), 0);
	close(fd);
	munmap(area, BYTES);
}

/* A child of vfork() closes what it has: the parent has it still. */
static void vforks(void)
{
	int fd = open_initialized(), status;
	uint64_t *area = map(fd);
	pid_t child = vfork();

	if (child == 0) {
		close(fd);
		_exit(0);
	}
	EXPECT(waitpid(child, &status, 0), child);
	EXPECT(read(fd, &status, 4), -EINVAL);
	EXPECT(traced(fd, area) >= 10, 1);
	close(fd);
	munmap(area, BYTES);
}

static int pass(int fd)
{
	int sockets[2], result = -1;
	char byte = 0;
	struct iovec part = { &byte, 1 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
		return -1;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	if (sendmsg(sockets[0], &message, 0) == 1) {
		close(fd);
		memset(&control, 0, sizeof control);
		if (recvmsg(sockets[1], &message, 0) == 1)
			memcpy(&result, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof result);
	}
	close(sockets[0]);
	close(sockets[1]);
	return result;
}

static void messages(void)
{
	int fd = open_initialized(), byte, sent = dup(fd), got = pass(sent);
	uint64_t *area;

	EXPECT(got >= 0, 1);
	close(fd);
	EXPECT(read(got, &byte, 4), -EINVAL);
	area = map(got);
	EXPECT(traced(got, area) >= 10, 1);
	close(got);
	munmap(area, BYTES);
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
	(void)number;
	parse_run(10);
	handled = 1;
}

static void rule_28_signals(void)
{
	int fd = open_initialized();
	uint64_t *area = map(fd);

	signal(SIGUSR1, handler);
	EXPECT(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	area[0] = 0;
	raise(SIGUSR1);
	EXPECT(handled, 1);
	EXPECT(area[0], 0);
	EXPECT(ioctl(fd, KCOV_DISABLE, 0), 0);
	EXPECT(signal(SIGUSR1, SIG_DFL) == handler, 1);
	close(fd);
	munmap(area, BYTES);
}

static void rule_30_close_while_enabled(void)
{
	int fd = open_initialized(), other = open_initialized();
	uint64_t *area = map(fd);

	EXPECT(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	EXPECT(close(fd), 0);
	area[0] = 0;
	parse_run(10);
	EXPECT(area[0] >= 10, 1);
	EXPECT(ioctl(other, KCOV_ENABLE, KCOV_TRACE_PC), -EBUSY);
	close(other);
	munmap(area, BYTES);
}

int main(void)
{
	rule_1_opening();
	rule_2_reading();
	rules_3_and_4();
	rules_5_to_8();
	rules_9_to_11();
	rules_12_to_19();
	dup_onto_numbers();
	memory();
	forks();
	vforks();
	messages();
	rule_28_signals();
	rule_30_close_while_enabled(); /* the last: it leaves this thread traced */
	printf("%d failures\n", failures);
	return failures != 0;
}
