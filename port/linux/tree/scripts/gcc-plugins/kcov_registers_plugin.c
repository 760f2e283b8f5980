// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A plugin for gcc: a call of a callback (-fsanitize-coverage=trace-pc,trace-cmp) loses r10,
 * r11 and the flags, and no other register.
 *
 * gcc takes such a call for one of any function, after which nothing is left in the nine
 * registers that a function may use as it likes: what is alive there is moved to others, which
 * have to be saved first, or to the stack. So code that is instrumented is 8 percent longer in
 * instructions, the calls not counted; and that is there when the calls are not made, too.
 *
 * The callbacks must keep their side: a kernel's do (kernel/kcov/callbacks_x86_64.hpp), and for
 * programs those of libkcov (port/host/callbacks_x86_64.hpp); no others are known to. Where they
 * do not, wrong results are all that shows: CONFIG_KCOV_TEST has a test of it
 * (kernel/kcov/registers_test.c), and so has libkcov (tests/host/registers/registers_test.cpp).
 *
 * Of vectors gcc counts on the low 16 bytes, as it does wherever a function keeps them.
 *
 * How: gcc knows calling conventions by number, and asks its target for that of a function by
 * the function's type. So each callback is given a type of its own, a copy, and the question is
 * answered here for these types. What else has to be known:
 *   - gcc makes the declarations when it first plants a call, in the pass "sancov", or
 *     "sancov_O0" without optimisation; ours comes right behind each of them, and so before
 *     anything asks.
 *   - With -fipa-ra, which optimisation turns on, it asks by the type of the declaration;
 *     without it, by the instruction of the call.
 *   - There is room for a few conventions, which the target numbers from 0: ours is the last
 *     but one, and any would do that the target leaves free. The table is made anew whenever
 *     the target's options change within a file,
 *     hence it is looked up, and filled, each time.
 *
 * C++, as gcc itself is; kbuild's rule for plugins wants a name that ends with .c. For gcc 10 and
 * newer; tried with 12. Nothing of it is of the kernel's: libkcov's build compiles the same file.
 */
/* gcc's headers include no others: the order is theirs. */
/* clang-format off */
#include "gcc-plugin.h"
#include "plugin-version.h"
#include "backend.h"
#include "rtl.h"
#include "tree.h"
#include "target.h"
#include "tree-pass.h"
#include "context.h"
#include "memmodel.h"
#include "regs.h"
#include "function-abi.h"
/* clang-format on */

/* gcc loads no plugin that does not say so: the MIT licence is compatible. */
int plugin_is_GPL_compatible;

namespace {

constexpr built_in_function kCallbacks[] = {
	BUILT_IN_SANITIZER_COV_TRACE_PC,
	BUILT_IN_SANITIZER_COV_TRACE_CMP1,
	BUILT_IN_SANITIZER_COV_TRACE_CMP2,
	BUILT_IN_SANITIZER_COV_TRACE_CMP4,
	BUILT_IN_SANITIZER_COV_TRACE_CMP8,
	BUILT_IN_SANITIZER_COV_TRACE_CONST_CMP1,
	BUILT_IN_SANITIZER_COV_TRACE_CONST_CMP2,
	BUILT_IN_SANITIZER_COV_TRACE_CONST_CMP4,
	BUILT_IN_SANITIZER_COV_TRACE_CONST_CMP8,
	BUILT_IN_SANITIZER_COV_TRACE_SWITCH,
	BUILT_IN_SANITIZER_COV_TRACE_CMPF,
	BUILT_IN_SANITIZER_COV_TRACE_CMPD,
};
constexpr unsigned kCount = ARRAY_SIZE(kCallbacks);

/* The copies. The declarations hold them, and are never given up. */
tree own_types[kCount];

/* With pointers of 32 bits callbacks are functions like any. */
bool is_own_type(const_tree type)
{
	if (!TARGET_LP64)
		return false;
	for (const_tree own : own_types)
		if (own && own == type)
			return true;
	return false;
}

/*
 * r10 and r11, because no argument comes in them and gcc takes them last of all; with two a PC is
 * recorded and nothing has to be saved. (In a program the first call of a callback that lies in
 * another library may lead through the dynamic linker, which keeps all but these two, too.) The
 * flags, which every comparison changes, as does the "test" that may stand in a call's place. gcc's
 * stack of x87 registers cannot be alive across a call by halves.
 */
bool is_lost(unsigned reg)
{
	const char *const name = reg_names[reg];

	return !strcmp(name, "r10") || !strcmp(name, "r11") || !strcmp(name, "flags") ||
	       !strcmp(name, "fpsr") || !strncmp(name, "st", 2) || !strncmp(name, "mm", 2);
}

const predefined_function_abi &own_abi()
{
	constexpr unsigned kNumber = NUM_ABI_IDS - 2;
	predefined_function_abi &abi = function_abis[kNumber];

	if (!abi.initialized_p()) {
		HARD_REG_SET lost;

		CLEAR_HARD_REG_SET(lost);
		for (unsigned reg = 0; reg < FIRST_PSEUDO_REGISTER; reg++)
			if (is_lost(reg) &&
			    TEST_HARD_REG_BIT(default_function_abi.full_reg_clobbers(), reg))
				SET_HARD_REG_BIT(lost, reg);
		abi.initialize(kNumber, lost);
	}
	return abi;
}

/* What answered before. */
const predefined_function_abi &(*next_by_type)(const_tree);
const predefined_function_abi &(*next_by_call)(const rtx_insn *);

const predefined_function_abi &by_type(const_tree type)
{
	if (is_own_type(type))
		return own_abi();
	return next_by_type ? next_by_type(type) : default_function_abi;
}

const predefined_function_abi &by_call(const rtx_insn *insn)
{
	rtx call = get_call_rtx_from(insn);
	rtx callee = call ? XEXP(XEXP(call, 0), 0) : NULL_RTX;

	if (callee && GET_CODE(callee) == SYMBOL_REF) {
		const_tree declaration = SYMBOL_REF_DECL(callee);

		if (declaration && TREE_CODE(declaration) == FUNCTION_DECL &&
		    is_own_type(TREE_TYPE(declaration)))
			return own_abi();
	}
	return next_by_call ? next_by_call(insn) : default_function_abi;
}

const pass_data kPass = { GIMPLE_PASS, "kcov_registers", OPTGROUP_NONE, TV_NONE, 0, 0, 0, 0, 0 };

struct TypesPass : gimple_opt_pass {
	explicit TypesPass(gcc::context *context) : gimple_opt_pass(kPass, context) {}

	opt_pass *clone() override { return new TypesPass(m_ctxt); }

	unsigned int execute(function *) override
	{
		for (unsigned i = 0; i < kCount; i++) {
			tree declaration = builtin_decl_implicit(kCallbacks[i]);

			if (declaration && !own_types[i])
				TREE_TYPE(declaration) = own_types[i] =
					build_distinct_type_copy(TREE_TYPE(declaration));
		}
		return 0;
	}
};

} /* namespace */

int plugin_init(plugin_name_args *self, plugin_gcc_version *version)
{
	/* Structures of the compiler are used as they are: it must be the very same one. */
	if (!plugin_default_version_check(version, &gcc_version)) {
		fprintf(stderr, "%s: made for gcc %s, and this is gcc %s\n", self->base_name,
			gcc_version.basever, version->basever);
		return 1;
	}
	next_by_type = targetm.calls.fntype_abi;
	targetm.calls.fntype_abi = by_type;
	next_by_call = targetm.calls.insn_callee_abi;
	targetm.calls.insn_callee_abi = by_call;
	for (const char *planted_by : { "sancov", "sancov_O0" }) {
		/* 0: behind every instance of that pass; of some numbers there is none, and gcc stops. */
		register_pass_info where = { new TypesPass(g), planted_by, 0, PASS_POS_INSERT_AFTER };

		register_callback(self->base_name, PLUGIN_PASS_MANAGER_SETUP, nullptr, &where);
	}
	return 0;
}
