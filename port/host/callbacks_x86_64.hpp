// SPDX-License-Identifier: GPL-2.0-only OR MIT
// BANNER: every basic block of the traced program calls into this file (callback.cpp).
//
// The callbacks for code whose compiler counts on them (kcov_registers_plugin.c): of a call of
// one only r10, r11 and the flags are lost. Code that counts on nothing may call them too, and any
// program may be made of both, so there are these alone.
//
//   entry       r11 alone: this thread's mode, and the watch; then back
//   recorder    record_pc() and record_cmp() of core/trace.hpp, in r10 and r11
//   watched     of a call that is not traced while there is a watch, whether there is anything
//               to do: in C++, where the compiler itself saves each register that it takes, and
//               takes none but general ones (CMakeLists.txt). If there is,
//               kcov_host_look_keeping_all() saves all there are, and goes where the C library
//               may be called.
//
// Entry and recorder are assembly: no option of the compiler's adds to them (a frame, a sanitizer's
// calls, what clears registers), and none of the operands is moved, to be moved back.
#pragma once

#include <cstddef>

#include "core/callbacks.hpp"
#include "port/host/host_port.hpp"

namespace kcov::host {

// What the assembly knows in digits.
#define KCOV_HOST_MODE 0
#define KCOV_HOST_AREA 8
#define KCOV_HOST_CAPACITY 16
#define KCOV_HOST_DROPPED 24
#define KCOV_HOST_TOP 112
static_assert(offsetof(Thread, task.mode) == KCOV_HOST_MODE);
static_assert(offsetof(Thread, task.bound.area) == KCOV_HOST_AREA);
static_assert(offsetof(Thread, task.bound.capacity) == KCOV_HOST_CAPACITY);
static_assert(offsetof(Thread, task.bound.dropped) == KCOV_HOST_DROPPED);
static_assert(offsetof(Thread, handlers.top) == KCOV_HOST_TOP);
static_assert(KCOV_MODE_TRACE_PC == 1 && KCOV_MODE_TRACE_CMP == 2);
static_assert(KCOV_CMP_CONST == 1 && KCOV_CMP_SIZE(3u) == 6 && KCOV_WORDS_PER_CMP == 4);
#define KCOV_HOST_DIGITS_OF(number) #number
#define KCOV_HOST_DIGITS(number) KCOV_HOST_DIGITS_OF(number)
#define KCOV_HOST_SET(name, number) ".set .Lkcov_" #name ", " KCOV_HOST_DIGITS(number) "\n"

// Functions that keep all registers, as a direct jump or a call finds them; but not the flags.
#ifdef __CET__
#define KCOV_HOST_LANDING "endbr64\n"
#define KCOV_HOST_KEEPING                                                                  \
  extern "C" [[gnu::no_caller_saved_registers, gnu::nocf_check, gnu::visibility("hidden"), \
               gnu::used]] void
#else
#define KCOV_HOST_LANDING
#define KCOV_HOST_KEEPING \
  extern "C" [[gnu::no_caller_saved_registers, gnu::visibility("hidden"), gnu::used]] void
#endif

}  // namespace kcov::host

asm(KCOV_HOST_SET(mode, KCOV_HOST_MODE) KCOV_HOST_SET(area, KCOV_HOST_AREA)
        KCOV_HOST_SET(capacity, KCOV_HOST_CAPACITY) KCOV_HOST_SET(dropped, KCOV_HOST_DROPPED)
            KCOV_HOST_SET(top, KCOV_HOST_TOP) ".macro kcov_landing\n" KCOV_HOST_LANDING
                                              ".endm\n"
                                              R"(

# Up to the recorder. r11 is where kcov::host::this_thread is from %fs. Initial-exec: the
# distance is in a slot of the image's own, or in the instruction, whatever it is linked into.
.macro kcov_entry name, mode
	.p2align 5
	.globl __sanitizer_cov_trace_\name
	.type __sanitizer_cov_trace_\name, @function
	.globl kcov_host_own___sanitizer_cov_trace_\name
	.hidden kcov_host_own___sanitizer_cov_trace_\name
	.type kcov_host_own___sanitizer_cov_trace_\name, @function
__sanitizer_cov_trace_\name:
kcov_host_own___sanitizer_cov_trace_\name:
	.cfi_startproc
	kcov_landing
	movq	_ZN4kcov4host11this_threadE@gottpoff(%rip), %r11
	cmpl	$\mode, %fs:.Lkcov_mode(%r11)
	je	1f
	cmpb	$0, _ZN4kcov4host10call_watchE(%rip)
	jne	kcov_host_watched_\name
	ret
1:
.endm

.macro kcov_end name
	.cfi_endproc
	.size __sanitizer_cov_trace_\name, . - __sanitizer_cov_trace_\name
.endm

# claim_record(): the area in r11, and in r10 the count, of which the next record is the last. Leaves
# the function where there is no room (contract 24, 25, 26), or where it is a handler that runs
# (28). There are no soft interrupts to ask for.
.macro kcov_claim
	cmpq	$0, %fs:.Lkcov_top(%r11)
	jne	3f
2:	movq	%fs:.Lkcov_area(%r11), %r10
	movq	(%r10), %r10
	cmpq	%fs:.Lkcov_capacity(%r11), %r10
	jae	4f
	movq	%fs:.Lkcov_area(%r11), %r11
	addq	$1, %r10
	movq	%r10, (%r11)
.endm

# HostPort::canonical_pc() of the return address, into the record's last word; and back.
.macro kcov_store_pc at:vararg
	movq	(%rsp), %r10
	subq	_ZN4kcov4host9load_biasE(%rip), %r10
	movq	%r10, \at
	ret
4:	movq	%fs:.Lkcov_dropped(%r11), %r11
	addq	$1, (%r11)
	ret
3:	call	kcov_host_drop_handlers
	cmpq	$0, %fs:.Lkcov_top(%r11)
	je	2b
	ret
.endm

# An operand, zero-extended (contract 27).
.macro kcov_store_operand move, from, at:vararg
	.ifc \move, movq
	movq	\from, \at
	.else
	\move	\from, %r10d
	movq	%r10, \at
	.endif
.endm

.macro kcov_comparison name, type, move1, from1, move2, from2
	kcov_entry \name, 2
	kcov_claim
	shlq	$5, %r10
	leaq	-24(%r11,%r10), %r11
	movq	$\type, (%r11)
	kcov_store_operand \move1, \from1, 8(%r11)
	kcov_store_operand \move2, \from2, 16(%r11)
	kcov_store_pc 24(%r11)
	kcov_end \name
.endm

	.pushsection .text
	kcov_entry pc, 1
	kcov_claim
	leaq	(%r11,%r10,8), %r11
	kcov_store_pc (%r11)
	kcov_end pc

	kcov_comparison cmp1, 0, movzbl, %dil, movzbl, %sil
	kcov_comparison cmp2, 2, movzwl, %di, movzwl, %si
	kcov_comparison cmp4, 4, movl, %edi, movl, %esi
	kcov_comparison cmp8, 6, movq, %rdi, movq, %rsi
	kcov_comparison const_cmp1, 1, movzbl, %dil, movzbl, %sil
	kcov_comparison const_cmp2, 3, movzwl, %di, movzwl, %si
	kcov_comparison const_cmp4, 5, movl, %edi, movl, %esi
	kcov_comparison const_cmp8, 7, movq, %rdi, movq, %rsi
# What gcc alone calls, and no kernel has: comparisons of floating-point numbers. They are recorded
# as those of their bits.
	kcov_comparison cmpf, 4, movd, %xmm0, movd, %xmm1
	kcov_comparison cmpd, 6, movq, %xmm0, movq, %xmm1

	kcov_entry switch, 2
	jmp	kcov_host_record_switch
	kcov_end switch
	.popsection
)");

// Of a recorder whose thread is within a handler, or has left one.
KCOV_HOST_KEEPING kcov_host_drop_handlers() { (void)kcov::host::in_handler(); }

KCOV_HOST_KEEPING kcov_host_record_switch(std::uint64_t value, const std::uint64_t* cases) {
  kcov::trace_switch<kcov::host::HostPort>(value, cases, KCOV_RETURN_ADDRESS);
}

// To the compiler it is no call, and changes nothing: this file has no red zone (CMakeLists.txt).
#define KCOV_HOST_WATCHED(name)                                                               \
  extern "C" [[gnu::visibility("hidden")]] void kcov_host_own___sanitizer_cov_trace_##name(); \
  KCOV_HOST_KEEPING kcov_host_watched_##name() {                                              \
    const std::uintptr_t return_address = KCOV_RETURN_ADDRESS;                                \
    if (!kcov::host::calls_for_a_look(return_address)) return;                                \
    asm volatile("call kcov_host_look_keeping_all"                                            \
                 :                                                                            \
                 : "D"(return_address), "S"(&kcov_host_own___sanitizer_cov_trace_##name)      \
                 : "r11", "memory", "cc");                                                    \
  }

KCOV_HOST_WATCHED(pc)
KCOV_HOST_WATCHED(cmp1)
KCOV_HOST_WATCHED(cmp2)
KCOV_HOST_WATCHED(cmp4)
KCOV_HOST_WATCHED(cmp8)
KCOV_HOST_WATCHED(const_cmp1)
KCOV_HOST_WATCHED(const_cmp2)
KCOV_HOST_WATCHED(const_cmp4)
KCOV_HOST_WATCHED(const_cmp8)
KCOV_HOST_WATCHED(switch)
KCOV_HOST_WATCHED(cmpf)
KCOV_HOST_WATCHED(cmpd)
