/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int left(int value);

int left(int value)
{
	return value > 3 ? value * 2 : value;
}
