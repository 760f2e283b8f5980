/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Writes to the kernel's text: text_um.c, text_x86_64.c. One change at a time, by whoever holds
 * calls_mutex (sites.c), between begin and end.
 */
#ifndef KCOV_TEXT_H
#define KCOV_TEXT_H

#include <linux/types.h>

/* False: the text cannot be written. May sleep. */
bool kcov_text_begin(void);
void kcov_text_write(u8 *at, const u8 *bytes, unsigned int count);
/* What was written so far is there, and every CPU fetches it anew. */
void kcov_text_sync(void);
void kcov_text_end(void);

/* Whether others may run through what is being written, so that steps need a sync between. */
bool kcov_text_is_shared(void);
/*
 * Whether an emulator translates code on one CPU while another writes it, and may go on with
 * what it made of the old bytes (QEMU before 8.1). To write the same once more makes it look again.
 */
bool kcov_text_is_translated(void);
/* Whether the address is in code whose memory is given back after boot. */
bool kcov_text_is_init(unsigned long at);
/* Nanoseconds, from any moment on. */
u64 kcov_text_now(void);

#endif
