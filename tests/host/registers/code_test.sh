#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Code that is compiled with the plugin for gcc (docs/dormancy.md) computes what it does without, and
# leaves the same traces: at every level, for this very CPU, and without what gcc knows of other
# functions' registers; bound at once, late, and with no stub. Our own, a parser, and zlib where its
# source is (scripts/get-source zlib build/zlib).
#   usage: code_test.sh PLUGIN GCC
. "$(dirname "$0")/../../lab/common.sh"
root=$(cd "$here/../.." && pwd)
ours=$root/tests/host/registers
plugin=$1
gcc=$2
library=$KCOV_BUILD/port/host/libkcov_host.a
"$gcc" -fplugin="$plugin" -c -x c /dev/null -o /dev/null 2>"$scratch/log" || skip "$(cat "$scratch/log")"
cd "$scratch"

"$gcc" -O2 -I"$root/include" -c "$ours/run.c" -o run.o
all_of() {
  case $1 in
    own) echo "$ours/code.c" ;;
    parser) echo "$root/bench/dormant_parser.c" ;;
    zlib) for name in adler32 compress crc32 deflate inffast inflate inftrees trees uncompr zutil; do
      echo "$KCOV_BUILD/zlib/$name.c"
    done ;;
  esac
}
# build CODE DIRECTORY FLAGS...: its objects
build() {
  local code=$1 into=$2
  mkdir "$into"
  (cd "$into" && "$gcc" -w -fPIC -fsanitize-coverage=trace-pc,trace-cmp "${@:3}" -c $(all_of "$code")) ||
    fail "$code does not compile with ${*:3}"
}
# run_both NAME PROGRAM-WITHOUT PROGRAM-WITH
run_both() {
  local after
  for after in 0 never 1; do
    expect_status 0 env KCOV_HOST_SLEEP_AFTER=$after "$2"
    mv out expected
    expect_status 0 env KCOV_HOST_SLEEP_AFTER=$after "$3"
    diff expected out >&2 || fail "$1, KCOV_HOST_SLEEP_AFTER=$after"
  done
}

codes="own parser"
if [ -f "$KCOV_BUILD/zlib/zlib.h" ]; then
  codes="$codes zlib"
  "$gcc" -O2 -I"$KCOV_BUILD/zlib" -c "$root/bench/dormant_zlib.c" -o zlib_run.o
fi
for code in $codes; do
  more=""
  [ $code != zlib ] || more=zlib_run.o
  for flags in -O0 -O2 "-O3 -march=native" "-O2 -fno-ipa-ra"; do
    rm -rf without with
    build $code without $flags
    build $code with $flags -fplugin="$plugin"
    for kind in without with; do
      "$gcc" run.o $more $kind/*.o "$library" -pthread -o $kind/program
    done
    # Without optimisation nothing is alive in a register across a statement.
    [ "$flags" = -O0 ] ||
      ! cmp -s <(objdump -d without/*.o | tail -n +3) <(objdump -d with/*.o | tail -n +3) ||
      fail "$code, $flags: the plugin changed nothing"
    run_both "$code, $flags" without/program with/program
  done
  # As a library that finds the callbacks in the program.
  [ $code != zlib ] || continue
  for flags in "-O2 -Wl,-z,lazy" "-O2 -Wl,-z,now" "-O2 -fno-plt" "-O3 -march=native -Wl,-z,lazy"; do
    rm -rf without with
    build $code without ${flags%-Wl*}
    build $code with ${flags%-Wl*} -fplugin="$plugin"
    for kind in without with; do
      "$gcc" -shared $kind/*.o -o $kind/libcode.so ${flags#-O[23]}
      "$gcc" run.o -Wl,--whole-archive "$library" -Wl,--no-whole-archive -rdynamic \
        -L$kind -lcode -Wl,-rpath,"$scratch/$kind" -pthread -o $kind/program
    done
    run_both "$code as a library, $flags" without/program with/program
  done
done
