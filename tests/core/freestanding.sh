#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Proves that the core needs nothing but its port: freestanding.cpp, compiled by
# $1 with a kernel's restrictions, has no undefined symbol but port_*.
# Usage: freestanding.sh COMPILER ROOT-OF-THE-REPOSITORY. 77: no such compiler.
set -eu
compiler=$1
root=$2
if ! command -v "$compiler" >/dev/null; then
  echo "SKIPPED: $compiler is not installed"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As asked, as x86-64 kernels are built, and small. Not -O0: there clang copies
# structures with memcpy, which a freestanding compiler may always assume.
for extra in "" "-fno-pic -mno-red-zone -mcmodel=kernel" "-Os"; do
  case "$(uname -m) $extra" in
    x86_64*) ;;
    *-mcmodel*) continue ;;
  esac
  # shellcheck disable=SC2086
  "$compiler" -std=c++20 -ffreestanding -fno-exceptions -fno-rtti -Wall -Wextra -Wconversion \
    -Werror -O2 -fno-threadsafe-statics -I "$root" $extra \
    -c "$root/tests/core/freestanding.cpp" -o "$work/core.o"
  nm --undefined-only "$work/core.o" | awk '{print $NF}' | sort -u >"$work/needs"
  if grep -qv '^port_' "$work/needs"; then
    echo "FAILED: $compiler ${extra:-(no further flags)}: the core needs more than its port:"
    grep -v '^port_' "$work/needs"
    exit 1
  fi
  echo "$compiler ${extra:-(no further flags)}: $(wc -l <"$work/needs") symbols, all of the port"
done
