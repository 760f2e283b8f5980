/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Every register that a callback has to keep (docs/dormancy.md), for registers_test.cpp. */
#ifndef KCOV_TESTS_HOST_REGISTERS_H
#define KCOV_TESTS_HOST_REGISTERS_H

#include <stdint.h>

#define REGISTERS_VECTORS 128
#define REGISTERS_MASKS 2176
#define REGISTERS_CALLEE 2240
#define DIGITS_OF(number) #number
#define DIGITS(number) DIGITS_OF(number)

struct registers {
	/* rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r12 r13 r14 r15 */
	uint64_t general[16];
	/* xmm, ymm, zmm, as far as there is. */
	uint8_t vectors[32][64];
	uint64_t masks[8];
	void (*callee)(void);
};

#endif
