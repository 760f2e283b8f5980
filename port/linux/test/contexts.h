/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef KCOV_TEST_CONTEXTS_H
#define KCOV_TEST_CONTEXTS_H

#include <linux/types.h>

/*
 * What `run` returns, run in a context of kcov_test.h's; the caller waits in code that is
 * not instrumented. EINVAL where that context cannot be entered from the caller's,
 * EOPNOTSUPP where this machine has none, ENOMEM, ETIMEDOUT, EXDEV (kcov_test.h).
 */
int kcov_test_enter(u64 context, int (*run)(void *argument), void *argument);
int kcov_test_contexts_init(void);

#endif
