/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Comparisons of floating-point numbers, traced with trace-cmp by gcc, which alone reports them. */

int gcc_compare_floats(float a, float b)
{
	return a < b;
}

int gcc_compare_doubles(double a, double b)
{
	return a < b;
}
