// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /sys/kernel/debug/kcov_registers, with CONFIG_KCOV_TEST: whether the callbacks keep their
 * promise (callbacks_x86_64.hpp). To read it calls each of them with a pattern in every register
 * that a function may otherwise change, while the task does not trace, traces PCs and traces
 * comparisons; and says for each call what it has recorded, and which registers it lost. Of the
 * PC it says how far it is from where the call returns to.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/kcov.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/asm.h>
#ifdef CONFIG_RANDOMIZE_BASE
#include <asm/setup.h>
#endif

#include "glue.h"

/* r10 and r11 are lost, as is said. */
struct registers {
	u64 rax, rcx, rdx, rsi, rdi, r8, r9;
};
static const char *const register_names[] = {
	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
};
enum { REGISTERS = sizeof(struct registers) / sizeof(u64) };

/* Through a register: of direct calls every tool takes those in the image for the compiler's. */
#if defined(CONFIG_MITIGATION_RETPOLINE) || defined(CONFIG_RETPOLINE)
#define CALL_R11 "call __x86_indirect_thunk_r11"
#else
#define CALL_R11 "call *%%r11"
#endif

/* Gives the address that the callback returns to. */
static noinline u64 call(void *callback, struct registers *registers)
{
	u64 end;
	u64 rax = registers->rax, rcx = registers->rcx, rdx = registers->rdx;
	u64 rsi = registers->rsi, rdi = registers->rdi;
	register u64 r8 asm("r8") = registers->r8;
	register u64 r9 asm("r9") = registers->r9;
	register void *r11 asm("r11") = callback;

	asm volatile("leaq 1f(%%rip), %[end]\n"
		     CALL_R11 "\n"
		     "1:"
		     : [end] "=&r"(end), "+a"(rax), "+c"(rcx), "+d"(rdx), "+S"(rsi), "+D"(rdi),
		       "+r"(r8), "+r"(r9), "+r"(r11), ASM_CALL_CONSTRAINT
		     : : "r10", "memory", "cc");
	*registers = (struct registers){ rax, rcx, rdx, rsi, rdi, r8, r9 };
	return end;
}

#define CALLBACK(name) { #name, __sanitizer_cov_trace_##name }
static const struct {
	const char *name;
	void *callback;
} calls[] = {
	CALLBACK(pc),
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
	CALLBACK(cmp1), CALLBACK(cmp2), CALLBACK(cmp4), CALLBACK(cmp8),
	CALLBACK(const_cmp1), CALLBACK(const_cmp2), CALLBACK(const_cmp4), CALLBACK(const_cmp8),
	CALLBACK(switch),
#endif
};

enum { NOT = -1 };
static const struct {
	const char *name;
	int mode;		/* KCOV_ENABLE's; NOT: it is not enabled */
	u64 count;		/* what the buffer's first word says before each call */
} runs[] = {
	{ "off", NOT, 0 },
	{ "pcs", KCOV_TRACE_PC, 0 },
	{ "pcs, full", KCOV_TRACE_PC, PAGE_SIZE },
#ifdef CONFIG_KCOV_ENABLE_COMPARISONS
	{ "comparisons", KCOV_TRACE_CMP, 0 },
	{ "comparisons, full", KCOV_TRACE_CMP, PAGE_SIZE },
#endif
};

/* How far the kernel runs from where it was linked: a trace is without that. */
static u64 kcov_offset(void)
{
#ifdef CONFIG_RANDOMIZE_BASE
	return kaslr_offset();
#else
	return 0;
#endif
}

/* What a call did. */
struct outcome {
	struct registers after;
	u64 end;
	u64 records;
	u64 words[8];	/* the first ones of the buffer, behind its count */
};

/* Operands with something in the bits that a callback of narrow ones must not look at. */
static struct registers pattern(unsigned int which)
{
	static const u64 cases[] = { 2, 32, 5, 7 };
	struct registers registers = {
		.rax = 0xa0a0a0a0a0a0a0a0, .rcx = 0xa1a1a1a1a1a1a1a1, .rdx = 0xa2a2a2a2a2a2a2a2,
		.rsi = 0x1122334455667788, .rdi = 0x99aabbccddeeff00,
		.r8 = 0xa3a3a3a3a3a3a3a3, .r9 = 0xa4a4a4a4a4a4a4a4,
	};

	if (!strcmp(calls[which].name, "switch"))
		registers.rsi = (unsigned long)cases;
	return registers;
}

/* All calls, in a state of tracing. Prints nothing: that would be traced. */
static int run(unsigned int which, struct outcome *outcomes)
{
	void *descriptor = kcov_core_open();
	u64 *area;
	unsigned int i;
	int error;

	if (!descriptor)
		return -ENOMEM;
	error = kcov_core_control(descriptor, KCOV_INIT_TRACE, PAGE_SIZE / sizeof(u64)) ?:
		kcov_core_map(descriptor, 0, PAGE_SIZE, &area);
	if (!error && runs[which].mode != NOT)
		error = kcov_core_control(descriptor, KCOV_ENABLE, runs[which].mode);
	if (error)
		goto close;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		outcomes[i].after = pattern(i);
		WRITE_ONCE(area[0], runs[which].count);
		outcomes[i].end = call(calls[i].callback, &outcomes[i].after);
		outcomes[i].records = READ_ONCE(area[0]) - runs[which].count;
		memcpy(outcomes[i].words, area + 1, sizeof(outcomes[i].words));
	}
	if (runs[which].mode != NOT)
		error = kcov_core_control(descriptor, KCOV_DISABLE, 0);
close:
	kcov_core_close(descriptor);
	return error;
}

/* Contract 24 and 27: each word of each record. */
static void show_records(struct seq_file *file, int mode, const struct outcome *outcome)
{
	const unsigned int size = mode == KCOV_TRACE_PC ? 1 : 4;	/* words */
	const u64 *words = outcome->words;
	u64 i;

	for (i = 0; i < outcome->records && (i + 1) * size <= ARRAY_SIZE(outcome->words); i++) {
		if (mode == KCOV_TRACE_CMP)
			seq_printf(file, " type %llu %llx %llx", words[0], words[1], words[2]);
		seq_printf(file, " pc %+lld;",
			   words[size - 1] + kcov_offset() - outcome->end);
		words += size;
	}
}

static int kcov_registers_show(struct seq_file *file, void *unused)
{
	struct outcome outcomes[ARRAY_SIZE(calls)];
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		int error = run(i, outcomes);

		if (error)
			return error;
		for (j = 0; j < ARRAY_SIZE(calls); j++) {
			const struct registers before = pattern(j);

			seq_printf(file, "%s %s:", calls[j].name, runs[i].name);
			show_records(file, runs[i].mode, &outcomes[j]);
			seq_puts(file, " lost:");
			for (k = 0; k < REGISTERS; k++)
				if (((const u64 *)&outcomes[j].after)[k] != ((const u64 *)&before)[k])
					seq_printf(file, " %s", register_names[k]);
			seq_puts(file, "\n");
		}
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kcov_registers);

static int __init kcov_registers_init(void)
{
	debugfs_create_file("kcov_registers", 0400, NULL, NULL, &kcov_registers_fops);
	return 0;
}
device_initcall(kcov_registers_init);
