# SPDX-License-Identifier: GPL-2.0-only OR MIT
# For the scripts beside it: where the tool is, a scratch directory, and checks that say
# what was expected and what was found.
set -eu
: "${KCOV_BUILD:?the build directory}"
kcovtool=$KCOV_BUILD/kcovtool
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/kcov-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# skip REASON: what the test needs is not to be had here; ctest counts and names it.
skip() { printf 'SKIPPED: %s\n' "$*" >&2; exit 77; }

need_root() { [ "$(id -u)" = 0 ] || skip "takes root"; }

# A mount name space of its own, and mounts in it. In a chroot whose root is no mount point
# there is none that keeps its mounts to itself.
need_mounts() {
  need_root
  mkdir -p "$scratch/probe"
  unshare --mount mount -t tmpfs none "$scratch/probe" 2>/dev/null || skip "mounts are not allowed here"
}

# expect_status STATUS COMMAND...: its output is in $scratch/out and $scratch/err.
expect_status() {
  local expected=$1 status=0
  shift
  "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" = "$expected" ] || {
    head -n 20 "$scratch/out" "$scratch/err" >&2
    fail "exit status $status, expected $expected: $*"
  }
}

# expect_in FILE TEXT...: each text stands in it.
expect_in() {
  local file=$1 text
  shift
  for text in "$@"; do
    grep -qF -- "$text" "$file" || {
      head -n 40 "$file" >&2
      fail "expected \"$text\" in $(basename "$file")"
    }
  done
}

# expect_not_in FILE PATTERN (extended regular expression)
expect_not_in() {
  if grep -nE -- "$2" "$1" >&2; then fail "found what should not be in $(basename "$1"): $2"; fi
}

# on_kernel ARGS...: lab run
on_kernel() { "$kcovtool" lab run "$@"; }
