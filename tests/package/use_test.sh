#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Other projects build with the installed library: by CMake, pkg-config and make, with gcc and
# clang, in C without a C++ compiler and in C++ without a C compiler.
. "$(dirname "$0")/common.sh"

install_to "$scratch/first"
mv "$scratch/first" "$scratch/kcov"
examples=$scratch/kcov/share/doc/libkcov-dev/examples
clients=$root/tests/host/preload

# configure DIRECTORY LANGUAGES C-COMPILER C++-COMPILER [VERSION [ARGUMENT]]
configure() {
  cmake -S "$root/tests/package/consumer" -B "$1" -G Ninja -DLANGUAGES="$2" \
    -DCMAKE_C_COMPILER="$3" -DCMAKE_CXX_COMPILER="$4" -DWANTED="${5-0.1}" -DKCOV_ENABLE_COMPARISONS=ON -DEXAMPLES="$examples" -DCLIENTS="$clients" \
    -DCMAKE_PREFIX_PATH="$scratch/kcov" ${6:+"$6"}
}
# expect_traced PROGRAM: it counts its PCs.
expect_traced() {
  expect_status 0 "$1" 42
  grep -qE '= 42: [1-9][0-9]* PCs' "$scratch/out" || fail "$1: $(cat "$scratch/out")"
}
# expect_comparison CLIENT: the client of a kernel's kcov, preloaded, finds the library's.
expect_comparison() {
  expect_status 0 env LD_PRELOAD="$preload" KCOV_HOST_IMAGE=libparse.so "$1" 0x1234
  expect_in "$scratch/out" "5 0xfee1dead 0x1234 "
}

# Where it was built: gcc had its plugins' headers.
plugin=$(find "$scratch/kcov" -name kcov_registers.so)
# expect_kept OBJECT: compiled with the plugin, which needs no other register than a function's
# arguments come in to keep them across a call.
expect_kept() {
  objdump -d "$1" >"$scratch/out"
  expect_in "$scratch/out" call
  expect_not_in "$scratch/out" 'push +%r'
}

echo 'int least(int a, int b, int c) { return a < b ? a + c : b - c; }' >"$scratch/kept.c"

found=no
for compiler in gcc clang; do
  command -v $compiler >/dev/null || continue
  found=yes
  work=$scratch/$compiler
  expect_status 0 configure "$work/c" C $compiler none
  expect_status 0 cmake --build "$work/c"
  expect_traced "$work/c/host_first"
  preload=$(cat "$work/c/preload")
  expect_comparison "$work/c/client_cmp"
  case $compiler in gcc) cxx=g++ ;; *) cxx=clang++ ;; esac
  expect_status 0 configure "$work/cxx" CXX none $cxx
  expect_status 0 cmake --build "$work/cxx"
  expect_status 0 "$work/cxx/opens"
  # In a project of both, a program in C is linked as one.
  expect_status 0 configure "$work/both" "C;CXX" $compiler $cxx
  expect_in "$work/both/build.ninja" " C_EXECUTABLE_LINKER__host_first" " CXX_EXECUTABLE_LINKER__opens"

  # With the plugin, or a warning.
  expect_status 0 configure "$work/kept" C $compiler none 0.1 -DKCOV_KEEP_REGISTERS=ON
  tr -s ' \n' ' ' <"$scratch/err" >"$scratch/words"
  case $compiler,$plugin in
    gcc,?*)
      expect_not_in "$scratch/words" "is built without it"
      expect_in "$work/kept/build.ninja" "-fplugin=$plugin" ;;
    *) expect_in "$scratch/words" "is built without it" ;;
  esac
  expect_status 0 cmake --build "$work/kept"
  expect_traced "$work/kept/host_first"
  preload=$(cat "$work/kept/preload")
  expect_comparison "$work/kept/client_cmp"

  command -v pkg-config >/dev/null || continue
  PKG_CONFIG_PATH=$(dirname "$(find "$scratch/kcov" -name kcov-host.pc)")
  export PKG_CONFIG_PATH
  mkdir "$work/by-hand"
  cd "$work/by-hand"
  # shellcheck disable=SC2046
  {
    $compiler $(pkg-config --variable=instrument kcov-host) -c "$examples/host_first/parse.c"
    $compiler "$examples/host_first/host_first.c" parse.o -o host_first \
      $(pkg-config --cflags --libs kcov-host)
    expect_traced ./host_first
    $compiler -shared -fPIC $(pkg-config --variable=instrument_comparisons kcov-callbacks) \
      "$clients/parse.c" -o libparse.so $(pkg-config --libs kcov-callbacks)
    $compiler -D_GNU_SOURCE "$clients/client_cmp.c" -o client_cmp $(pkg-config --cflags kcov) \
      -L. -lparse -Wl,-rpath-link,"$(dirname "$preload")"
    LD_LIBRARY_PATH=.:$(dirname "$preload") expect_comparison ./client_cmp
    if [ -n "$plugin" ] && [ $compiler = gcc ]; then
      for package in kcov-host kcov-callbacks; do
        gcc -O2 $(pkg-config --variable=instrument $package) \
          $(pkg-config --variable=keep_registers $package) -c "$scratch/kept.c" -o kept.o
        expect_kept kept.o
      done
    fi
    $cxx -std=c++20 "$examples/first.cpp" -o first $(pkg-config --cflags kcov)
  }
  [ "$(pkg-config --modversion kcov-host)" = "$("$kcovtool" --version)" ] || fail "version"
  cd "$scratch"
done
[ $found = yes ] || skip "neither gcc nor clang is installed"

# Versions: what is newer or of another series is refused.
for version in 0.0 0.2 1; do
  expect_status 1 configure "$scratch/refused" C cc none $version
  expect_in "$scratch/err" "version \"$version\""
done

# make.
if command -v make >/dev/null; then
  mkdir "$scratch/make"
  cp "$examples/host_first/parse.c" "$examples/host_first/parse.h" "$scratch/make/"
  printf 'include %s/kcov/share/kcov/kcov.mk\nparse.o: parse.c\n\t$(CC) $(kcov_flags) -c $< -o $@\n' \
    "$scratch" >"$scratch/make/Makefile"
  expect_status 0 make -C "$scratch/make" parse.o
  nm "$scratch/make/parse.o" >"$scratch/out"
  expect_in "$scratch/out" __sanitizer_cov_trace_pc
  if [ -n "$plugin" ] && command -v gcc >/dev/null; then
    cp "$scratch/kept.c" "$scratch/make/parse.c"
    expect_status 0 make -B -C "$scratch/make" parse.o CC="gcc -O2" KCOV_KEEP_REGISTERS="$plugin"
    expect_kept "$scratch/make/parse.o"
    expect_status 0 make -B -C "$scratch/make" parse.o CC=gcc KCOV_KEEP_REGISTERS=/none.so
    expect_in "$scratch/err" "built without it"
  fi
fi
