/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int one(int value);

int one(int value)
{
	return value > 3 ? value * 2 : value;
}
