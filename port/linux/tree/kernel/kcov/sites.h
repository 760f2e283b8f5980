/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Included before everything else of what is instrumented: the assembler notes where each
 * call of a callback lies, in a section .kcov_sites of 4 bytes a call, each the distance from
 * itself to the call. The compiler writes "call NAME" for every call; here that is a macro,
 * and the instruction goes by its other name, "callq". So the table is exact: what is in it
 * the compiler has planted, and sites.c patches nothing else.
 *
 * Calls through a register (the large code model) and jumps (a function that ends with a
 * callback) are in no table, and are always made. Nor is there one with clang's own assembler,
 * which has no text to replace.
 */
#if !defined(__ASSEMBLY__) && defined(__x86_64__)
asm(".macro call target:vararg\n"
    "	.set .Lkcov_is_site, 0\n"
    "	.irp name, pc, cmp1, cmp2, cmp4, cmp8, const_cmp1, const_cmp2, const_cmp4, const_cmp8, switch\n"
    "	.ifeqs \"\\target\", \"__sanitizer_cov_trace_\\name\"\n"
    "	.set .Lkcov_is_site, 1\n"
    "	.endif\n"
    "	.endr\n"
    "	.if .Lkcov_is_site\n"
    ".Lkcov_site_\\@:\n"
    "	callq \\target\n"
    "	.pushsection .kcov_sites, \"a\", @progbits\n"
    "	.long .Lkcov_site_\\@ - .\n"
    "	.popsection\n"
    "	.else\n"
    "	callq \\target\n"
    "	.endif\n"
    ".endm\n");
#endif
