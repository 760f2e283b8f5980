/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
	.text
	.globl	low
	.type	low, @function
low:
	mov	%edi, %eax
	ret
	.size	low, .-low
	.section .note.GNU-stack,"",@progbits
