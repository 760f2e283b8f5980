/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a direct call of a callback looks like in x86-64's code while it is not made. For
 * whoever patches code, in the kernel (C) and in a process (C++).
 *
 *   made       e8 rel32             call callback
 *   skipped    a9 rel32             test $rel32, %eax: changes flags alone, and a compiler
 *                                   counts on no flags after a call
 *   prefixes   2e t t t 2e          segment overrides of the instruction behind, which mean
 *                                   nothing in 64-bit mode: no instruction at all is executed.
 *                                   Assemblers pad instructions with five of them, too, to keep
 *                                   branches off the ends of cache lines. "t t t" say which
 *                                   callback was called, so nothing has to be kept elsewhere.
 *
 * e8 may stand before nothing but a distance: before "t t t 2e" it would be a call of anywhere.
 *
 * From one to another in steps, between which every CPU has to be made to fetch the code
 * anew. Whoever runs through it meets whole instructions at any time: a step changes one
 * byte, the first, or the other four while the first makes them a constant.
 *
 *   made <--> skipped <--> skipped, with the other's four bytes <--> prefixes
 *
 * Not every instruction bears prefixes: see kcov_takes_prefixes().
 */
#ifndef KCOV_PORT_X86_64_UNMADE_CALL_H
#define KCOV_PORT_X86_64_UNMADE_CALL_H

enum {
	KCOV_CALL_SIZE = 5,
	KCOV_CALL_MADE = 0xe8,
	KCOV_CALL_SKIPPED = 0xa9,
	KCOV_CALL_PREFIX = 0x2e,
	/* How many callbacks can be told from each other. */
	KCOV_CALL_TARGETS = 27,
};

/* The last four of the prefixes that stand for a call of target `target`. */
static inline void kcov_write_target(unsigned char *tail, unsigned int target)
{
	/* %es, %cs, %ss; %ds would be a hint to branches. */
	static const unsigned char digits[3] = { 0x26, 0x2e, 0x36 };

	tail[0] = digits[target % 3];
	tail[1] = digits[target / 3 % 3];
	tail[2] = digits[target / 9 % 3];
	tail[3] = KCOV_CALL_PREFIX;
}

/* The target that the four bytes behind a call's first stand for; -1: they are no prefixes. */
static inline int kcov_read_target(const unsigned char *tail)
{
	int i, target = 0;

	for (i = 2; i >= 0; i--) {
		if (tail[i] != 0x26 && tail[i] != 0x2e && tail[i] != 0x36)
			return -1;
		target = 3 * target + (tail[i] - 0x26) / 8;
	}
	return tail[3] == KCOV_CALL_PREFIX ? target : -1;
}

/* Bytes of a ModRM byte's operand, the byte itself and what follows of it. */
static inline unsigned int kcov_operand_size(const unsigned char *modrm)
{
	const unsigned int mod = modrm[0] >> 6, rm = modrm[0] & 7;
	unsigned int size = 1;

	if (mod == 3)
		return size;
	if (rm == 4) {
		size++;
		if (mod == 0 && (modrm[1] & 7) == 5)
			size += 4;
	} else if (mod == 0 && rm == 5) {
		size += 4;
	}
	return size + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/*
 * The length of the instruction at `code` if five more prefixes change nothing of it, else 0:
 * it would be longer than 15 bytes, has a segment of its own, may be a call of a callback itself
 * (e8, a9), is one that faults on purpose or that somebody looks for by its address (ud2, int3,
 * syscall, endbr64), has a prefix's meaning changed by its place (VEX), or is not known here.
 * Reads no more than the opcode and its operand's first two bytes.
 */
static inline unsigned int kcov_takes_prefixes(const unsigned char *code)
{
	enum { LONGEST = 15 - KCOV_CALL_SIZE };
	unsigned int at = 0, immediate = 0, has_operand = 1, word = 4, wide = 0, repeats = 0;
	unsigned char op;

	for (;; at++) {
		if (at == 4)
			return 0;
		if (code[at] == 0x66)
			word = 2;
		else if (code[at] == 0xf2 || code[at] == 0xf3)
			repeats = 1;
		else if (code[at] != 0xf0)
			break;
	}
	if ((code[at] & 0xf0) == 0x40)
		wide = code[at++] & 8;
	if (wide)
		word = 4;
	op = code[at++];
	if (op != 0x0f) {
		/* "rep" in front of what it was not made for means something else. */
		if (repeats)
			return 0;
		if (op < 0x40) {
			/* Arithmetic: registers and memory, or the accumulator and a constant. */
			if ((op & 7) > 5)
				return 0;
			if ((op & 7) > 3) {
				has_operand = 0;
				immediate = op & 1 ? word : 1;
			}
		} else if (op >= 0x50 && op <= 0x5f) {	/* push, pop */
			has_operand = 0;
		} else if (op == 0x68 || op == 0x6a) {	/* push */
			has_operand = 0;
			immediate = op == 0x68 ? word : 1;
		} else if (op == 0x69 || op == 0x6b) {	/* imul */
			immediate = op == 0x69 ? word : 1;
		} else if (op >= 0x70 && op <= 0x7f) {	/* jcc */
			has_operand = 0;
			immediate = 1;
		} else if (op == 0x80 || op == 0x83 || op == 0xc0 || op == 0xc1) {
			immediate = 1;
		} else if (op == 0x81) {
			immediate = word;
		} else if (op == 0xc6 || op == 0xc7) {	/* mov; the others are of transactions */
			if (code[at] & 0x38)
				return 0;
			immediate = op == 0xc6 ? 1 : word;
		} else if (op == 0xf6 || op == 0xf7) {	/* test has a constant, not and div none */
			if (!(code[at] & 0x30))
				immediate = op == 0xf6 ? 1 : word;
		} else if (op == 0xfe || op == 0xff) {	/* inc, dec */
			if (code[at] & 0x30)
				return 0;
		} else if (op >= 0xb0 && op <= 0xbf) {	/* mov */
			has_operand = 0;
			immediate = op < 0xb8 ? 1 : wide ? 8 : word;
		} else if (op >= 0x90 && op <= 0x99) {	/* nop, xchg, cltq, cltd */
			has_operand = 0;
		} else if (op == 0xa8) {	/* test */
			has_operand = 0;
			immediate = 1;
		} else if (op == 0xe9 || op == 0xeb) {	/* jmp; 16 bits mean two things */
			if (word == 2)
				return 0;
			has_operand = 0;
			immediate = op == 0xe9 ? 4 : 1;
		} else if (op == 0xc3 || op == 0xc9) {	/* ret, leave */
			has_operand = 0;
		} else if (op != 0x63 && !(op >= 0x84 && op <= 0x8b) && op != 0x8d &&
			   !(op >= 0xd0 && op <= 0xd3)) {
			return 0;
		}
	} else {
		op = code[at++];
		if (op >= 0x80 && op <= 0x8f) {	/* jcc */
			if (word == 2 || repeats)
				return 0;
			has_operand = 0;
			immediate = 4;
		} else if (op >= 0xc8 && op <= 0xcf) {	/* bswap */
			has_operand = 0;
		} else if (op == 0xa4 || op == 0xac || op == 0xba || op == 0xc2 || op == 0xc4 ||
			   op == 0xc5 || op == 0xc6 || (op >= 0x70 && op <= 0x73)) {
			immediate = 1;
		} else if (!(op >= 0x10 && op <= 0x17) &&	/* mov of vectors */
			   !(op >= 0x28 && op <= 0x2f) && op != 0x1f &&
			   !(op >= 0x40 && op <= 0x6f) &&	/* cmov, vectors */
			   !(op >= 0x74 && op <= 0x76) && op != 0x7e && op != 0x7f &&
			   !(op >= 0x90 && op <= 0x9f) &&	/* setcc */
			   op != 0xa3 && op != 0xa5 && op != 0xab && op != 0xad && op != 0xaf &&
			   op != 0xb0 && op != 0xb1 && op != 0xb3 && op != 0xb6 && op != 0xb7 &&
			   !(op >= 0xbb && op <= 0xbf) && op != 0xc0 && op != 0xc1 &&
			   !(op >= 0xd1 && op <= 0xfe)) {
			return 0;
		}
	}
	at += (has_operand ? kcov_operand_size(code + at) : 0) + immediate;
	return at <= LONGEST ? at : 0;
}

#endif
