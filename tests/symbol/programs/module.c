// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What stands in a kernel module: code that stays, unlikely code, code that is freed, data.
extern int printk(const char *format, ...);

static int counts[2];
int *const table[] = {&counts[0], &counts[1]};

static inline int twice(int number)
{
	if (number > 1000)
		return printk("large %d\n", number);
	return 2 * number;
}

__attribute__((cold, noinline)) static int refuse(int number)
{
	if (number == -1)
		return printk("none\n");
	return -22;
}

int count(int which, int number)
{
	if (which < 0 || which > 1)
		return refuse(which);
	*table[which] += twice(number);
	return counts[which];
}

__attribute__((section(".init.text"))) int init_module(void)
{
	return count(0, 1);
}
