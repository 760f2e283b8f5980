// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Built by the Makefile above it, which does not leave it out; and yet it is.
extern volatile int number;

__attribute__((noinline)) int below(int a)
{
	return a > number ? 6 : number;
}
