/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The code that host_first traces. */
#pragma once

/* The value of a decimal or (0x) hexadecimal number, or 0. */
long parse(const char *text);
