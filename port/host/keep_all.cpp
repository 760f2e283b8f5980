// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "port/host/keep_all.hpp"

#include "port/host/sites.hpp"

#if defined(__x86_64__) && defined(__LP64__)

#include <cpuid.h>

#include <algorithm>
#include <cstdint>

// Read by the assembly below. Where there is no xsave, all there can be is what fxsave saves.
// Not on the list is what the C library uses no more than we do: bounds, keys of memory,
// matrices.
extern "C" {
[[gnu::visibility("hidden"), gnu::used]] constinit std::uint32_t kcov_host_kept_components = 0;
[[gnu::visibility("hidden"), gnu::used]] constinit std::uint64_t kcov_host_kept_bytes = 512;
}

// void kcov_host_look_keeping_all(): kcov_host_look() of rdi and rsi; r11 and the flags are lost.
// The dynamic linker saves as much, on whatever stack it finds, when it first binds a function.
asm(R"(
.pushsection .text
.p2align 4
.globl kcov_host_look_keeping_all
.hidden kcov_host_look_keeping_all
.type kcov_host_look_keeping_all, @function
kcov_host_look_keeping_all:
.cfi_startproc
	pushq %rbp
.cfi_def_cfa_offset 16
.cfi_offset %rbp, -16
	movq %rsp, %rbp
.cfi_def_cfa_register %rbp
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	subq kcov_host_kept_bytes(%rip), %rsp
	andq $-64, %rsp
	movl kcov_host_kept_components(%rip), %eax
	xorl %edx, %edx
	testl %eax, %eax
	jz 1f
	movq %rdx, 512(%rsp)   # its header, of which xsave writes the first word only
	movq %rdx, 520(%rsp)
	movq %rdx, 528(%rsp)
	movq %rdx, 536(%rsp)
	movq %rdx, 544(%rsp)
	movq %rdx, 552(%rsp)
	movq %rdx, 560(%rsp)
	movq %rdx, 568(%rsp)
	xsave64 (%rsp)
	call kcov_host_look
	movl kcov_host_kept_components(%rip), %eax
	xorl %edx, %edx
	xrstor64 (%rsp)
	jmp 2f
1:	fxsave64 (%rsp)
	call kcov_host_look
	fxrstor64 (%rsp)
2:	leaq -64(%rbp), %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	popq %rbp
.cfi_def_cfa %rsp, 8
	ret
.cfi_endproc
.size kcov_host_look_keeping_all, . - kcov_host_look_keeping_all
.popsection
)");

namespace kcov::host {
namespace {

// Bits of XCR0: x87, SSE, AVX; AVX-512's masks, upper halves and upper registers; r16 to r31.
constexpr std::uint32_t kWanted = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 19;
constexpr unsigned kLeaf = 13;
// The part that is always there, and its header.
constexpr unsigned kFixed = 512 + 64;

}  // namespace

void start_keep_all() noexcept {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) return;
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  std::uint64_t bytes = kFixed;
  for (unsigned component = 2; component < 32; ++component) {
    if ((low & kWanted & 1u << component) == 0) continue;
    if (!__get_cpuid_count(kLeaf, component, &a, &b, &c, &d)) return;
    bytes = std::max<std::uint64_t>(bytes, std::uint64_t{a} + b);
  }
  kcov_host_kept_bytes = bytes;
  kcov_host_kept_components = low & kWanted;
}

}  // namespace kcov::host

#else

void kcov::host::start_keep_all() noexcept {}

#endif
