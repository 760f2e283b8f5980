/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What port/linux/test/target.c asks of a kernel, in a program. */
#ifndef KCOV_SHIM_COMPILER_H
#define KCOV_SHIM_COMPILER_H
#define noinline __attribute__((noinline))
#endif
