/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libkcov_callbacks.so: callbacks that do nothing, for instrumented code to be linked
 * with, so that it links and runs with and without libkcov_preload.so. A library of its
 * own rather than weak functions in the instrumented code: the linker binds those where
 * they are, if that is the program or if it exports only a list of names, and the
 * preloaded ones are never called.
 */
#include <stdint.h>

#define NOTHING(name, ...) \
	void __sanitizer_cov_trace_##name(__VA_ARGS__); \
	void __sanitizer_cov_trace_##name(__VA_ARGS__) {}
#define NOTHING_TWICE(name, type) \
	void __sanitizer_cov_trace_##name(type arg1, type arg2); \
	void __sanitizer_cov_trace_##name(type arg1, type arg2) \
	{ \
		(void)arg1; \
		(void)arg2; \
	}

NOTHING(pc, void)
NOTHING_TWICE(cmp1, uint8_t)
NOTHING_TWICE(cmp2, uint16_t)
NOTHING_TWICE(cmp4, uint32_t)
NOTHING_TWICE(cmp8, uint64_t)
NOTHING_TWICE(const_cmp1, uint8_t)
NOTHING_TWICE(const_cmp2, uint16_t)
NOTHING_TWICE(const_cmp4, uint32_t)
NOTHING_TWICE(const_cmp8, uint64_t)
NOTHING_TWICE(cmpf, float)
NOTHING_TWICE(cmpd, double)

void __sanitizer_cov_trace_switch(uint64_t value, const uint64_t *cases);
void __sanitizer_cov_trace_switch(uint64_t value, const uint64_t *cases)
{
	(void)value;
	(void)cases;
}
