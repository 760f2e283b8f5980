/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int two(int value);

int two(int value)
{
	return value > 3 ? value * 2 : value;
}
