/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libkcov_callbacks.so: callbacks that do nothing, for instrumented code to be linked
 * with, so that it links and runs with and without libkcov_preload.so. A library of its
 * own rather than weak functions in the instrumented code: the linker binds those where
 * they are, if that is the program or if it exports only a list of names, and the
 * preloaded ones are never called.
 *
 * One function by all their names, without operands: so no build of it touches a register
 * (kcov_registers_plugin.c).
 */
static void nothing(void) {}

#define NOTHING(name) void __sanitizer_cov_trace_##name(void) __attribute__((alias("nothing")));

NOTHING(pc)
NOTHING(cmp1)
NOTHING(cmp2)
NOTHING(cmp4)
NOTHING(cmp8)
NOTHING(const_cmp1)
NOTHING(const_cmp2)
NOTHING(const_cmp4)
NOTHING(const_cmp8)
NOTHING(switch)
NOTHING(cmpf)
NOTHING(cmpd)
