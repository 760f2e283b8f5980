/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Symbols as assembly has them: with a size, with a label inside, without a size, and a
   hole that belongs to none. One byte for each instruction is not assumed. */
	.text
	.globl asm_sized
	.type asm_sized, %function
asm_sized:
	.fill 8, 1, 0x90
inside_sized:
	.fill 8, 1, 0x90
	.size asm_sized, . - asm_sized
	.fill 16, 1, 0x90 /* the hole */
	.globl asm_label
asm_label:
	.fill 16, 1, 0x90
	.globl asm_last
	.type asm_last, %function
	.weak asm_last_alias
asm_last_alias:
asm_last:
	.fill 4, 1, 0x90
	.size asm_last, . - asm_last
	.section .note.GNU-stack, "", %progbits
