/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int traced(int value);

int traced(int value)
{
	return value > 3 ? value * 2 : value;
}
