/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef KCOV_SHIM_TYPES_H
#define KCOV_SHIM_TYPES_H
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif
