/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef KCOV_TEST_TARGET_H
#define KCOV_TEST_TARGET_H

#include <linux/types.h>

/* The first and the last function of target.c: no code, bounds. */
void kcov_test_target_begin(void);
void kcov_test_target_end(void);

/* `rounds` rounds of a few basic blocks. */
void kcov_test_blocks(u64 rounds);

/* Comparisons of the operands below; `value` is the switch's. */
void kcov_test_compare(u8 a1, u8 b1, u16 a2, u16 b2, u32 a4, u32 b4, u64 a8, u64 b8);

#endif
