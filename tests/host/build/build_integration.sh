#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Builds project/ with cmake/Kcov.cmake or cmake/kcov.mk and looks into the objects:
# the ones that call __sanitizer_cov_trace_pc are instrumented (contract 38).
# Usage: build_integration.sh CASE ROOT-OF-THE-REPOSITORY COMPILER. 77: no such
# compiler or make.
set -eu
case=$1
root=$2
compiler=$3
here=$root/tests/host/build
for program in "$compiler" make; do
  command -v "$program" >/dev/null || { echo "SKIPPED: $program is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  cat "$work/log" 2>/dev/null || true
  exit 1
}
configure() { # CASE COMPILER [ARGUMENT]
  cmake -S "$here/project" -B "$work/build" -DCASE="$1" -DKCOV_CMAKE="$root/cmake" \
    -DCMAKE_C_COMPILER="$2" ${3:+"$3"} >"$work/log" 2>&1
}
run_make() { # COMPILER [VARIABLE=VALUE...]
  cc=$1
  shift
  mkdir -p "$work/build"
  make -C "$work/build" -f "$here/project/Makefile" SOURCE="$here/project" \
    KCOV_CMAKE="$root/cmake" CC="$cc" "$@" >"$work/log" 2>&1
}
# Fails unless exactly the objects named are instrumented, of the four there are.
expect() {
  found=0
  for name in traced left one two; do
    object=$(find "$work/build" -name "$name.o" -o -name "$name.c.o")
    test -n "$object" || fail "$name was not built"
    found=$((found + 1))
    calls=no
    if nm "$object" | grep -q __sanitizer_cov_trace_pc; then calls=yes; fi
    wanted=no
    case " $* " in *" $name "*) wanted=yes ;; esac
    test $calls = $wanted || fail "$name: instrumented $calls, wanted $wanted"
  done
  echo "$found objects, instrumented:${*:+ }${*:- none}"
}
expect_comparisons() {
  nm "$(find "$work/build" -name traced.o -o -name traced.c.o)" |
    grep -qE '__sanitizer_cov_trace_(const_)?cmp' || fail "traced: no comparison calls back"
}
refused() { # CASE TEXT
  if configure "$1" "$compiler"; then fail "$1 was accepted"; fi
  grep -q "$2" "$work/log" || fail "$1: no word of '$2'"
  echo "refused: $1"
  rm -rf "$work/build"
}

case $case in
  cmake)
    configure good "$compiler" || fail "configure"
    grep -q 'instrumented: ON, excluded: left.c: a single file' "$work/log" || fail "properties"
    cmake --build "$work/build" >"$work/log" 2>&1 || fail "build"
    expect traced ;;
  cmake-whole-build-flag)
    configure good "$compiler" -DWHOLE_BUILD=ON || fail "configure"
    cmake --build "$work/build" >"$work/log" 2>&1 || fail "build"
    expect traced ;;
  cmake-comparisons)
    configure good "$compiler" -DKCOV_ENABLE_COMPARISONS=ON || fail "configure"
    cmake --build "$work/build" >"$work/log" 2>&1 || fail "build"
    expect traced
    expect_comparisons ;;
  cmake-refuses)
    refused file-without-reason 'left.c without a REASON'
    refused empty-reason 'left.c without a REASON'
    refused directory-without-reason 'left_out without a REASON'
    refused no-such-file 'gone.c is no source'
    refused stray-word 'unexpected left.c'
    refused no-such-target 'no target nothing' ;;
  cmake-old-compiler)
    configure good "$here/fake-compiler" || fail "configure"
    grep -q 'CMake Warning' "$work/log" || fail "no warning"
    grep -q 'built without coverage' "$work/log" || fail "the warning does not say what follows"
    cmake --build "$work/build" >"$work/log" 2>&1 || fail "build"
    expect ;;
  make)
    run_make "$compiler" || fail "make"
    expect traced ;;
  make-comparisons)
    run_make "$compiler" KCOV_ENABLE_COMPARISONS=y || fail "make"
    expect traced
    expect_comparisons ;;
  make-override)
    run_make "$compiler" KCOV_INSTRUMENT=n KCOV_INSTRUMENT_two.o=y || fail "make"
    expect two ;;
  make-tree)
    run_make "$compiler" KCOV_INSTRUMENT=n || fail "make"
    expect ;;
  make-old-compiler)
    run_make "$here/fake-compiler" || fail "make"
    test "$(grep -c 'built without coverage' "$work/log")" = 1 || fail "not one warning"
    expect ;;
  *) fail "no such case" ;;
esac
