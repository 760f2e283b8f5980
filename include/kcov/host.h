/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kcov inside a program: the calls that a client of /sys/kernel/debug/kcov makes,
 * with threads in the place of tasks and the program's own code in the place of
 * the kernel. Valid C and C++. Link with kcov_host, and compile the code to be
 * traced with -fsanitize-coverage=trace-pc (gcc or clang).
 *
 *   int fd = kcov_host_open(O_RDWR);
 *   kcov_host_ioctl(fd, KCOV_INIT_TRACE, words);
 *   uint64_t *area = kcov_host_mmap(NULL, words * 8, PROT_READ | PROT_WRITE,
 *                                   MAP_SHARED, fd, 0);
 *   kcov_host_ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC);
 *   __atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
 *   something();
 *   n = __atomic_load_n(&area[0], __ATOMIC_RELAXED);   // area[1] to area[n]
 *
 * Every call returns what the system call it is named after returns: on failure
 * -1 (MAP_FAILED for mmap) and errno. Each one fails with EBADF when `fd` is not
 * open or was not opened by kcov_host_open() in this process or, before a fork(),
 * in one that it descends from.
 *
 * The descriptor is a file descriptor of the system: dup(), fork(), poll() and
 * FD_CLOEXEC work on it, and a program may close it with close() too, which keeps
 * its memory until the process ends. A PC in the buffer is the return address
 * of the callback less the address that the program was loaded at (or the library that
 * KCOV_HOST_IMAGE names, in the environment), so it can be looked up in the program's
 * file: look up PC - 1.
 *
 * Signal handlers are not recorded (contract 28), for which the library defines
 * sigaction(), longjmp() and their kin; of the calls of this file none but
 * kcov_host_close() is to be made from one, nor from a callback of dl_iterate_phdr().
 */
#ifndef KCOV_HOST_H
#define KCOV_HOST_H

#include <stddef.h>
#include <sys/types.h>

#include "uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A new descriptor in state disabled, independent of any other (contract 1).
 * Of `flags`, O_RDONLY, O_WRONLY, O_RDWR and O_CLOEXEC count: they decide what
 * may be mapped, not which ioctls work (contract 3). ENOMEM, EMFILE, ENFILE.
 */
int kcov_host_open(int flags);

/*
 * One of the commands of uapi.h. ENOTTY: no such command (contract 4).
 *   KCOV_INIT_TRACE   EINVAL, EBUSY (contract 5-6), ENOMEM; EMFILE, ENFILE: it takes a
 *                     file descriptor while it lasts, and there is none left
 *   KCOV_ENABLE       EINVAL (contract 12, 14), EBUSY (contract 13)
 *   KCOV_REMOTE_ENABLE  `argument` is the address of a struct kcov_remote_arg: EFAULT,
 *                     EINVAL, EBUSY, EEXIST (contract 20), ENOMEM. Handles are the
 *                     process's own: a forked child begins without
 *   KCOV_DISABLE      EINVAL (contract 18)
 *   KCOV_GET_DROPPED  `argument` is the address of a uint64_t: EFAULT
 */
int kcov_host_ioctl(int fd, unsigned long command, unsigned long argument);

/*
 * Maps the buffer; `length` is rounded up to whole pages. EINVAL before
 * KCOV_INIT_TRACE, for an offset but 0 and a length but the buffer's (contract 8);
 * EACCES for a shared writable map of a descriptor not opened O_RDWR
 * (contract 3); else as mmap(2). Maps alias each other, are inherited by fork and
 * outlive the descriptor (contract 9-11).
 */
void *kcov_host_mmap(void *address, size_t length, int protection, int flags, int fd,
                     off_t offset);
int kcov_host_munmap(void *address, size_t length);

/* EINVAL, always; lseek, pread and pwrite: ESPIPE (contract 2). */
ssize_t kcov_host_read(int fd, void *bytes, size_t count);
ssize_t kcov_host_write(int fd, const void *bytes, size_t count);
off_t kcov_host_lseek(int fd, off_t offset, int whence);
ssize_t kcov_host_pread(int fd, void *bytes, size_t count, off_t offset);
ssize_t kcov_host_pwrite(int fd, const void *bytes, size_t count, off_t offset);

/*
 * Closes the file descriptor. When it was the last one for its open file, dup()ed
 * ones included, the file's reference goes; a thread that still traces goes on
 * (contract 30).
 */
int kcov_host_close(int fd);

/*
 * A remote section: what the calling thread executes between the two is recorded for
 * whoever enabled `handle` (contract 34-35). A thread pool that works for a traced
 * thread takes the handle from kcov_host_common_handle() of that thread, which is 0
 * where none is enabled, and hands it over with the work:
 *
 *   kcov_host_remote_start(job->handle);
 *   job->run();
 *   kcov_host_remote_stop();
 *
 * Nothing happens for a handle that nobody has enabled. Not to be nested, nor used by
 * a thread that traces itself: that is warned of on standard error. Ignored in signal
 * handlers.
 */
void kcov_host_remote_start(uint64_t handle);
void kcov_host_remote_stop(void);
uint64_t kcov_host_common_handle(void);

/*
 * Dormancy: while nobody traces, the calls of the callbacks are taken out of the code, each
 * after the first time that it is made, and all are put back before KCOV_ENABLE or
 * KCOV_REMOTE_ENABLE returns. It begins 100 milliseconds after the program, and again when nobody
 * has traced for 10 seconds, or for as many milliseconds as KCOV_HOST_SLEEP_AFTER says, in the
 * environment: 0 is at once, "never" is not at all. It needs /proc/self/mem, and keeps a file descriptor of it while it lasts.
 */
enum {
	KCOV_HOST_AWAKE = 0, /* calls are made: somebody traces, or did a short while ago */
	KCOV_HOST_DORMANT = 1,
	KCOV_HOST_ALWAYS_AWAKE = 2, /* calls are made, for the reason in `why` */
};

struct kcov_host_sites {
	uint32_t state;
	uint32_t tracers;     /* threads of this process that have something enabled */
	uint64_t sites;       /* places in the code that are known to call */
	uint64_t table_bytes; /* of memory for them: at most 4 each, in whole pages */
	uint64_t changes;     /* how often calls were made or unmade */
	uint64_t changed_at;  /* the last time: CLOCK_MONOTONIC, in ns; 0: never yet */
	uint64_t change_took; /* how long that took, in ns */
	const char *why;      /* a sentence, or NULL in the other states */
	uint64_t left_alone;  /* calls the last waking could not make: a breakpoint is there */
};

/* Fills in what is so now, each field by itself. 0, always. */
int kcov_host_get_sites(struct kcov_host_sites *sites);

/*
 * From now on `milliseconds` without a tracer make calls dormant: 0 is at once, -1 never. What
 * is dormant is made again meanwhile. EINVAL for any other negative number; EOPNOTSUPP on a
 * machine whose calls are not known. Where /proc/self/mem cannot be had that is no error
 * here: kcov_host_get_sites() says so.
 */
int kcov_host_sleep_after(long milliseconds);

#ifdef __cplusplus
}
#endif

#endif
