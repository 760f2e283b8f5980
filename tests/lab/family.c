/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Threads, children and grandchildren, each with system calls that nobody else makes:
 * 8 threads with 100 times getppid, 5 children with getuid, a child of each with getgid. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *work(void *unused)
{
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	return unused;
}

int main(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 5; i++) {
		if (fork() != 0)
			continue;
		syscall(SYS_getuid);
		if (fork() == 0) {
			syscall(SYS_getgid);
			_exit(0);
		}
		wait(NULL);
		_exit(i);
	}
	while (wait(NULL) > 0)
		;
	puts("end");
	return 7;
}
