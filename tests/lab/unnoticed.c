/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a program would notice of being followed: a stop that is sent to a child which has
 * only just been made, and a sleep that a full kcov buffer must not end. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Is each child really stopped? Else this waits for ever. */
static int stop_children(int times)
{
	for (int i = 0; i < times; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			for (;;)
				pause();
		kill(child, SIGSTOP);
		if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
			return 1;
		kill(child, SIGKILL);
		if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
			return 2;
	}
	return 0;
}

/* Fills a buffer while it sleeps again and again: half a sleep is none. */
static int sleep_in_epoll(int times)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;

	while (times-- > 0) {
		for (int i = 0; i < 1000; i++)
			syscall(SYS_getppid);
		if (epoll_wait(epoll, &event, 1, 30) != 0) {
			perror("epoll_wait");
			return 3;
		}
	}
	return 0;
}

/* Is on its way into a sleep whenever it is asked to stop. */
static int sleep_often(int times)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;

	while (times-- > 0) {
		if (epoll_wait(epoll, &event, 1, 1) != 0) {
			perror("epoll_wait");
			return 5;
		}
	}
	return 0;
}

static void ignore(int signal)
{
	(void)signal;
}

/* But a signal ends it. */
static int signal_in_epoll(void)
{
	struct sigaction action = { .sa_handler = ignore };
	int epoll = epoll_create1(0);
	struct epoll_event event;

	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 3; i++) {
		struct itimerval soon = { { 0, 0 }, { 0, 100000 } };

		for (int j = 0; j < 2000; j++)
			syscall(SYS_getppid);
		setitimer(ITIMER_REAL, &soon, NULL);
		if (epoll_wait(epoll, &event, 1, 5000) != -1 || errno != EINTR)
			return 4;
	}
	return 0;
}

/* Threads that record much each time that they are woken, and sleep without an end. */
enum { SLEEPERS = 4 };
static int wakers[SLEEPERS];
static volatile bool done;
static volatile int broken;
static char long_path[400];

static void work(int times)
{
	while (times-- > 0)
		access(long_path, F_OK);
}

static void *sleep_until_woken(void *argument)
{
	int waker = *(int *)argument;
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };

	epoll_ctl(epoll, EPOLL_CTL_ADD, waker, &event);
	while (!done) {
		eventfd_t count;

		work(1);
		if (epoll_wait(epoll, &event, 1, -1) != 1) {
			perror("epoll_wait");
			broken++;
		} else {
			eventfd_read(waker, &count);
		}
	}
	return NULL;
}

static void wake_all(void)
{
	for (int i = 0; i < SLEEPERS; i++)
		eventfd_write(wakers[i], 1);
}

static int sleep_in_a_crowd(int seconds)
{
	pthread_t threads[SLEEPERS];
	time_t end = time(NULL) + seconds;

	for (size_t i = 0; i + 2 < sizeof(long_path); i += 2)
		memcpy(long_path + i, "./", 2);
	for (int i = 0; i < SLEEPERS; i++) {
		wakers[i] = eventfd(0, 0);
		pthread_create(&threads[i], NULL, sleep_until_woken, &wakers[i]);
	}
	while (time(NULL) < end) {
		wake_all();
		work(3);
	}
	done = true;
	wake_all();
	for (int i = 0; i < SLEEPERS; i++)
		pthread_join(threads[i], NULL);
	return broken ? 6 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "crowd") == 0)
		return sleep_in_a_crowd(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "stop") == 0)
		return stop_children(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "epoll") == 0)
		return sleep_in_epoll(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "often") == 0)
		return sleep_often(atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "signal") == 0)
		return signal_in_epoll();
	return 2;
}
