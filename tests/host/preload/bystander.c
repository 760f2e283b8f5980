/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program that has nothing to do with kcov: what it sees of the system must be the same
 * with libkcov_preload.so and without. It prints each result and errno. Its argument makes
 * it open a kcov first, so that nothing is passed on for the lack of one alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call) \
	do { \
		errno = 4095; \
		long result_ = (long)(call); \
		printf("%s = %ld, errno %d\n", #call, result_, errno); \
	} while (0)
#define FAILS(pointer) ((pointer) == MAP_FAILED)

static volatile int flags = O_RDONLY;
static const char *volatile nowhere = (const char *)16;
static const char *volatile null;
static char *volatile bad = (char *)16;

static void handler(int number)
{
	printf("signal %d\n", number);
}

int main(int argc, char **argv)
{
	char bytes[16];
	struct iovec part = { bytes, 4 };
	int pipes[2], status, file;

	(void)argv;
	if (argc > 1) {
		/* Out of the way: the same numbers from here on. */
		if (dup2(file = open("/sys/kernel/debug/kcov", O_RDWR), 200) != 200)
			return 1;
		close(file);
	}
	SHOW(open(null, flags));
	SHOW(open(nowhere, flags));
	SHOW(open(nowhere, flags | O_CREAT | O_DIRECTORY, 0));
	SHOW(open("", flags));
	SHOW(open("/sys/kernel/debug/kcov/", flags | O_NOFOLLOW) < 0);
	SHOW(open("/sys/kernel/debug/kcov2", flags) < 0);
	SHOW(open("/dev/null/x", flags));
	SHOW(openat(-5, "x", flags));
	SHOW(openat(AT_FDCWD, nowhere, flags));
	SHOW(file = open("/tmp", O_TMPFILE | O_RDWR, 0640));
	{
		struct stat about;

		SHOW(fstat(file, &about));
		printf("mode %o\n", about.st_mode & 0777);
	}
	SHOW(write(file, "12345678", 8));
	SHOW(lseek(file, 1, SEEK_SET));
	SHOW(read(file, bytes, 4));
	SHOW(readv(file, &part, 1));
	SHOW(pread(file, bytes, 8, 4));
	SHOW(pwrite(file, "x", 1, 20));
	SHOW(lseek(file, 0, SEEK_END));
	SHOW(lseek(file, 0, 99));
	SHOW(read(file, bad, 4));
	SHOW(ioctl(file, 0x80086301, 100));
	SHOW(ioctl(file, 0x6364, 0));
	SHOW(ioctl(-1, 0x6364, 0));
	SHOW(ioctl(file, FIONREAD, &status));
	SHOW(FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0)));
	SHOW(FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 1)));
	SHOW(FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, 99, 0)));
	SHOW(FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	SHOW(FAILS(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	SHOW(dup(file));
	SHOW(dup(99));
	SHOW(dup2(file, 50));
	SHOW(dup2(file, file));
	SHOW(dup2(99, 50));
	SHOW(dup2(file, -1));
	SHOW(dup3(file, file, 0));
	SHOW(fcntl(file, F_DUPFD, 60));
	SHOW(fcntl(file, F_GETFL));
	SHOW(fcntl(file, F_SETFL, O_APPEND));
	SHOW(close(file));
	SHOW(close(file));
	SHOW(close(-1));
	SHOW(read(file, bytes, 1));
	SHOW(pipe(pipes));
	SHOW(write(pipes[1], "x", 1));
	SHOW(read(pipes[0], bytes, 1));
	SHOW(lseek(pipes[0], 0, SEEK_SET));
	SHOW(signal(SIGUSR1, handler) == SIG_DFL);
	SHOW(raise(SIGUSR1));
	SHOW(signal(SIGUSR1, SIG_DFL) == handler);
	fflush(stdout);
	{
		pid_t child = fork();

		if (child == 0)
			execlp("sh", "sh", "-c", "echo from a shell; exit 3", (char *)NULL);
		waitpid(child, &status, 0);
		printf("status %d\n", WEXITSTATUS(status));
	}
	return 0;
}
