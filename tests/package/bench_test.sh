#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Benchmarks: what is wrong with their arguments, or missing, is one sentence before anything is
# measured; nothing is left out of a table; figures have their spread.
. "$(dirname "$0")/common.sh"

# expect_sentence TEXT COMMAND...
expect_sentence() {
  local text=$1
  shift
  expect_status 2 timeout 60 "$@"
  [ "$(wc -l <"$scratch/err")" = 1 ] || fail "not one line: $*: $(cat "$scratch/err")"
  [ ! -s "$scratch/out" ] || fail "it began to measure: $*"
  expect_in "$scratch/err" "bench/$(basename "$1"): " "$text"
}

for script in "$root"/bench/*; do
  name=$(basename "$script")
  [ -x "$script" ] && [ -f "$script" ] || continue
  expect_status 0 "$script" --help
  expect_in "$scratch/out" "usage: bench/$name"
  for argument in abc 0 -1 1.5 ""; do
    [ "$name" != regenerate ] || { [ -n "$argument" ] && argument="no such command $argument"; } || continue
    expect_sentence "\"$argument\"" "$script" "$argument"
  done
done
expect_sentence "it takes 1 at most" "$root/bench/kernel" 1 2
expect_sentence "it takes 1 at most" "$root/bench/tool" 1 2

# What is missing has its remedy.
expect_sentence "cmake --build $scratch --target kcov_host" "$root/bench/threads" 1 "$scratch"
expect_sentence "\"x\"" "$root/bench/threads" 1 "$KCOV_BUILD" 1 x
expect_sentence "a multiple of 10000, and not 12345" "$root/bench/loop" 1 "$KCOV_BUILD" 12345
expect_sentence "scripts/get-source zlib $scratch/zlib" "$root/bench/dormant" 1 "$KCOV_BUILD" "$scratch"
expect_sentence "scripts/get-source sqlite3 $scratch/sqlite3" "$root/bench/dormant" 1 "$KCOV_BUILD" "$scratch" parser sqlite
expect_sentence "there is no code \"none\"" "$root/bench/dormant" 1 "$KCOV_BUILD" "$scratch" parser none
expect_sentence "there is no directory /nonexistent" "$root/bench/report" 1 /nonexistent

# A tree in which nothing is built.
mkdir "$scratch/tree"
cp -r "$root/bench" "$scratch/tree"
for name in kernel tool trace; do
  expect_sentence "cmake --preset release && cmake --build build" "$scratch/tree/bench/$name" 1
done

# Of several machines the least and the most are told, too; of one there are none.
python3 - "$root/bench/kernel" >"$scratch/tables" <<'END' || fail "bench/kernel's table"
import importlib.machinery, importlib.util, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("kernel", sys.argv[1])
kernel = importlib.util.module_from_spec(importlib.util.spec_from_loader("kernel", loader))
loader.exec_module(kernel)
for values in ([1.0, 2.0, 4.0], [2.0]):
    twice = {mode: {"file": [2 * value for value in values]} for mode in kernel.MODES}
    found = {name: twice for name, _, _ in kernel.kernels("um")}
    found["without kcov"] = {"off": {"file": values}}
    kernel.table(found, "µs", 1)
END
expect_in "$scratch/tables" "| without kcov | 2.0, 1.0 to 4.0 |" "nobody traces | 4.0 (2.00, 2.00 to 2.00) |" \
  "PCs: nobody traces | 1.00, 1.00 to 1.00 |" "| without kcov | 2.0 |" "nobody traces | 4.0 (2.00) |"
