#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Unmodified clients of a kernel's kcov in user space: preload_test.sh CASE, run by ctest.
# PRELOAD is the library, CLIENTS the directory of the programs and instrumented
# libraries, FIRST the program of examples/first.c as it is for a kernel.
set -u
: "${PRELOAD?}" "${CLIENTS?}" "${FIRST?}"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
if [ -z "$PRELOAD" ]; then
  echo "skipped: the preloaded library is not built with this sanitizer"
  exit 77
fi

# The function, at a PC, of an instrumented library.
function_at() { addr2line -f -e "$CLIENTS/$1" "$(printf '%#x' $(($2 - 1)))" | head -1; }

case $1 in
  first)
    # The very program of the README: read(-1, NULL, 0), with a library for its kernel.
    pcs=$(LD_PRELOAD="$PRELOAD $CLIENTS/libkernel_read.so" KCOV_HOST_IMAGE=libkernel_read.so "$FIRST") ||
      fail "first.c ended with $?"
    [ "$(wc -l <<<"$pcs")" -ge 2 ] || fail "too few PCs: $pcs"
    for pc in $pcs; do
      [ "$(function_at libkernel_read.so "$pc")" = read ] || fail "$pc is not in the library's read()"
    done
    ;;
  first_alone)
    # Nothing instrumented is called: no PCs, and no failure.
    pcs=$(LD_PRELOAD=$PRELOAD "$FIRST") || fail "first.c ended with $?"
    [ -z "$pcs" ] || fail "PCs from nowhere: $pcs"
    ;;
  without)
    # Instrumented code that is linked with libkcov_callbacks.so runs untraced as well.
    [ -e /sys/kernel/debug/kcov ] && exit 77
    out=$("$CLIENTS/client_cmp" 2>&1) && fail "there is no kcov, but: $out"
    [[ $out == *"No such file or directory"* || $out == *"Permission denied"* ]] || fail "$out"
    ;;
  cmp)
    records=$(LD_PRELOAD=$PRELOAD KCOV_HOST_IMAGE=libparse.so "$CLIENTS/client_cmp" 0x1234) ||
      fail "the client ended with $?"
    # A constant of 4 bytes: 1 | 2 << 1. The constant is the first operand.
    read -r type left right pc <<<"$records"
    [ "$type $left $right" = "5 0xfee1dead 0x1234" ] || fail "$records"
    [ "$(function_at libparse.so "$pc")" = parse_is_magic ] || fail "$pc is elsewhere"
    ;;
  rules)
    LD_PRELOAD=$PRELOAD "$CLIENTS/client_rules" </dev/null || fail "see above"
    ;;
  exceptions)
    LD_PRELOAD=$PRELOAD "$CLIENTS/client_throw" || fail "ended with $?"
    "$CLIENTS/client_throw" without || fail "ended with $? without the library"
    ;;
  rules_fortified)
    nm -D "$CLIENTS/client_rules_fortified" | grep -q __open_2 || exit 77
    LD_PRELOAD=$PRELOAD "$CLIENTS/client_rules_fortified" </dev/null || fail "see above"
    ;;
  rules_address | rules_thread)
    # The sanitizer's library comes first; with clang's it is in the program.
    client=$CLIENTS/client_$1
    first=$(ldd "$client" | sed -n 's/.*=> \(.*lib[at]san\.so[^ ]*\).*/\1/p')
    LD_PRELOAD="$first $PRELOAD" "$client" </dev/null || fail "see above"
    ;;
  image)
    # Less the program's address unless a library is named; a name that fits none is said.
    absolute=$(LD_PRELOAD="$PRELOAD $CLIENTS/libkernel_read.so" setarch -R "$FIRST" | head -1)
    named=$(LD_PRELOAD="$PRELOAD $CLIENTS/libkernel_read.so" KCOV_HOST_IMAGE=libkernel_read.so \
      setarch -R "$FIRST" | head -1)
    [ -n "$absolute" ] || exit 77 # a container may forbid setarch
    [ "$absolute" != "$named" ] || fail "both are $named"
    out=$(LD_PRELOAD=$PRELOAD KCOV_HOST_IMAGE=libread.so "$FIRST" 2>&1) || fail "$out"
    [[ $out == *"KCOV_HOST_IMAGE names no library"* ]] || fail "not said: $out"
    out=$(LD_PRELOAD=$PRELOAD KCOV_HOST_IMAGE=libread.so cat /dev/null 2>&1)
    [ -z "$out" ] || fail "said to a program that does not use kcov: $out"
    ;;
  bystander)
    plain=$("$CLIENTS/bystander" </dev/null) || fail "ended with $?"
    for argument in "" open; do
      preloaded=$(LD_PRELOAD=$PRELOAD "$CLIENTS/bystander" $argument </dev/null) || fail "ended with $?"
      diff <(echo "$plain") <(echo "$preloaded") || fail "another program is affected: '$argument'"
    done
    ;;
  programs)
    # Programs at large: a shell with a pipeline, a compiler's driver, an interpreter.
    for command in "ls -l / | sort | tail -3" "cat /etc/passwd | md5sum" "cc --version" \
      "perl -e '\$SIG{ALRM} = sub { print qq(alarm\n); exit 7 }; alarm 1; sleep 5'" \
      "python3 -c 'import subprocess; print(subprocess.run([\"echo\", \"x\"]).returncode)'"; do
      plain=$(bash -c "$command" 2>&1 </dev/null; echo "status $?")
      preloaded=$(LD_PRELOAD=$PRELOAD bash -c "$command" 2>&1 </dev/null; echo "status $?")
      [ "$plain" = "$preloaded" ] || fail "$command: $plain, preloaded: $preloaded"
    done
    ;;
  dependencies)
    # No C++ library gets into a C program with it.
    needed=$(readelf -d "$PRELOAD" | sed -n 's/.*NEEDED.*\[\(.*\)\].*/\1/p')
    [ "$needed" = libc.so.6 ] || fail "needs $needed"
    ;;
  *) fail "no such case: $1" ;;
esac
