/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef PARSE_H
#define PARSE_H
#include <stdint.h>

void parse_run(unsigned rounds);
int parse_number(const char *text, unsigned bytes);
int parse_is_magic(uint32_t word);
#endif
