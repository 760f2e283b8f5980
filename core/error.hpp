// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The errors of the contract, as negative errno values: what an ioctl of Linux
// returns. Numbers, because the core may not include a system's <errno.h>.
#pragma once

namespace kcov {

inline constexpr int kOk = 0;
inline constexpr int kNoMemory = -12;       // ENOMEM
inline constexpr int kFault = -14;          // EFAULT
inline constexpr int kBusy = -16;           // EBUSY
inline constexpr int kExists = -17;         // EEXIST
inline constexpr int kInvalid = -22;        // EINVAL
inline constexpr int kNoSuchCommand = -25;  // ENOTTY
inline constexpr int kNotSupported = -524;  // Linux's internal ENOTSUPP, seen by user space as 524

}  // namespace kcov
