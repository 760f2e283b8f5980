#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# All C++ is as .clang-format says (version 14, Debian 12's). C files (.c, .h) are in the
# kernel's style and not looked at.
set -eu
cd "$(dirname "$0")/.."
format=$(command -v clang-format-14) || { echo "SKIPPED: clang-format-14 is not installed" >&2; exit 77; }
find bench core coverage doctor examples include lab port report support symbol tests tool \
  \( -name '*.cpp' -o -name '*.hpp' \) -print0 | xargs -0 "$format" --dry-run -Werror
