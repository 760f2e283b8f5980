/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A number, in the midst of which stands what would be a call of the callback. */
	.text
	.globl decoy
	.type decoy, @function
decoy:
	.byte 0x48, 0xb8 /* movabs $..., %rax */
	.byte 0xe8
	.long __sanitizer_cov_trace_pc - . - 4
	.byte 0, 0, 0
	ret
	.size decoy, . - decoy
	.section .note.GNU-stack, "", @progbits
