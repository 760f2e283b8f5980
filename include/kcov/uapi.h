/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ABI of kcov: what a program and a kernel agree on. Valid C and C++, needs
 * nothing but the fixed-width integers, and is the only header that the core,
 * every port and every client share.
 *
 * The file is /sys/kernel/debug/kcov (mode 0600). A program opens it, gives its
 * buffer a size (KCOV_INIT_TRACE), maps the buffer, enables tracing of the
 * calling thread (KCOV_ENABLE), stores 0 to word 0, does something, and reads
 * word 0 (the number of records) and the records that follow it.
 *
 *   word     0        1        2        3        4
 *        +--------+--------+--------+--------+--------+--
 *   PCs  | count  |  PC 0  |  PC 1  |  PC 2  |  PC 3  |
 *        +--------+--------+--------+--------+--------+--
 *   cmps | count  |  type  |  arg1  |  arg2  |   PC   | next record of four
 *        +--------+--------+--------+--------+--------+--
 *
 * A PC is the return address of the callback, less the KASLR offset: to name
 * the code that called back, look up PC - 1.
 */
#ifndef KCOV_UAPI_H
#define KCOV_UAPI_H

/* A program that needs <linux/kcov.h> too includes that first: its names then stand. */

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/*
 * The generic Linux encoding of an ioctl number (x86, arm, riscv, s390, um):
 * direction in bits 30-31 (1 = the caller writes to the kernel, 2 = it reads),
 * argument size in bits 16-29, group 'c', number.
 */
#define KCOV_IOCTL_NUMBER(direction, number, size)                            \
	(((direction) << 30) | ((unsigned int)(size) << 16) | ('c' << 8) | (number))

#ifndef _LINUX_KCOV_IOCTLS_H

/* Size of the buffer in 8-byte words, by value: 2 to KCOV_MAX_WORDS (contract 5). */
#define KCOV_INIT_TRACE KCOV_IOCTL_NUMBER(2u, 1u, sizeof(uint64_t))
/* Mode by value: KCOV_TRACE_PC or KCOV_TRACE_CMP (contract 12-17). */
#define KCOV_ENABLE KCOV_IOCTL_NUMBER(0u, 100u, 0)
/* Argument must be 0 (contract 18-19). */
#define KCOV_DISABLE KCOV_IOCTL_NUMBER(0u, 101u, 0)

/*
 * Pointer to a struct kcov_remote_arg: collects what is executed elsewhere on behalf of
 * the handles it names, and nothing of the calling thread itself (contract 20-23).
 */
#define KCOV_REMOTE_ENABLE KCOV_IOCTL_NUMBER(1u, 102u, sizeof(struct kcov_remote_arg))

#define KCOV_TRACE_PC 0
#define KCOV_TRACE_CMP 1

struct kcov_remote_arg {
	uint32_t trace_mode;    /* KCOV_TRACE_PC or KCOV_TRACE_CMP */
	uint32_t area_size;     /* buffer of each section, in 8-byte words; at least 1 */
	uint32_t num_handles;   /* at most KCOV_REMOTE_MAX_HANDLES */
	uint64_t common_handle __attribute__((aligned(8))); /* 0: none */
	__extension__ uint64_t handles[] __attribute__((aligned(8)));
};

#define KCOV_REMOTE_MAX_HANDLES 0x100

/* A handle: an 8-bit subsystem in the top byte, a 32-bit instance in the low word. */
#define KCOV_SUBSYSTEM_COMMON (0x00ull << 56)
#define KCOV_SUBSYSTEM_USB (0x01ull << 56)
#define KCOV_SUBSYSTEM_MASK (0xffull << 56)
#define KCOV_INSTANCE_MASK (0xffffffffull)

/* The handle of an instance of a subsystem; 0 when either has bits outside its mask. */
static inline uint64_t kcov_remote_handle(uint64_t subsystem, uint64_t instance)
{
	if ((subsystem & ~KCOV_SUBSYSTEM_MASK) || (instance & ~KCOV_INSTANCE_MASK))
		return 0;
	return subsystem | instance;
}

/* A comparison's type: bit 0, bits 1-2 = log2 of the operand size in bytes. */
#define KCOV_CMP_CONST 1u
#define KCOV_CMP_SIZE(log2_bytes) ((log2_bytes) << 1)
#define KCOV_CMP_MASK KCOV_CMP_SIZE(3u)

#endif /* _LINUX_KCOV_IOCTLS_H */

/*
 * Ours alone; stock Linux answers ENOTTY. Pointer to a uint64_t that receives
 * the number of records dropped because the buffer was full, since
 * KCOV_INIT_TRACE (contract 24). Never decreases: take differences.
 */
#define KCOV_GET_DROPPED KCOV_IOCTL_NUMBER(2u, 120u, sizeof(uint64_t))

/* INT_MAX / sizeof(unsigned long): the largest buffer, just under 2 GiB. */
#define KCOV_MAX_WORDS 268435455u

/* A comparison takes four words: type, arg1, arg2, PC. */
#define KCOV_WORDS_PER_CMP 4u

#endif
