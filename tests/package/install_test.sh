#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What is installed is whole, works wherever it is moved to, and stays below its prefix.
. "$(dirname "$0")/common.sh"

install_to "$scratch/first"
mkdir "$scratch/moved to"
mv "$scratch/first" "$scratch/moved to/here"
there="$scratch/moved to/here"
for file in bin/kcovtool libexec/kcov/kcov-agent share/bash-completion/completions/kcovtool \
  share/zsh/site-functions/_kcovtool share/man/man4/kcov.4 share/doc/kcovtool/copyright \
  share/doc/kcovtool/README.md share/doc/kcovtool/docs/recording.md \
  share/doc/libkcov0/copyright share/doc/libkcov-dev/copyright \
  share/doc/libkcov-dev/examples/first.c include/kcov/{uapi.h,host.h,device.hpp} \
  share/kcov/kcov.mk; do
  [ -s "$there/$file" ] || fail "$file is not installed"
done
for name in libkcov_host.a libkcov_callbacks.so libkcov_callbacks.so.0 libkcov_preload.so \
  kcov.pc kcov-host.pc kcov-callbacks.pc KcovConfig.cmake KcovConfigVersion.cmake Kcov.cmake; do
  [ -n "$(find "$there"/lib* -name $name)" ] || fail "$name is not installed"
done
if [ -f "$KCOV_BUILD/port/host/kcov_registers.so" ]; then
  [ -n "$(find "$there"/lib*/ -path '*/kcov/kcov_registers.so')" ] || fail "the plugin is not installed"
fi
for page in "$root"/man/*.1; do
  cmp "$page" "$there/share/man/man1/$(basename "$page")" || fail "$page"
done
# What a kernel's key is made of, byte for byte.
for folder in core port/linux lab/config; do
  diff -r "$root/$folder" "$there/share/kcov/$folder" >&2 || fail "share/kcov/$folder"
done
cmp "$root/include/kcov/uapi.h" "$there/share/kcov/include/kcov/uapi.h" || fail "uapi.h"
# Nothing says where it was built or first installed.
! grep -rlF -e "$scratch/first" -e "$root" "$there" --include='*.pc' --include='*.cmake' \
  --include=kcovtool --include=_kcovtool >&2 || fail "a path of the build is installed"

export KCOVTOOL_CACHE=$scratch/cache
expect_status 0 "$there/bin/kcovtool" --version
expect_status 0 "$there/bin/kcovtool" lab list
expect_in "$scratch/out" "no kernel has been built"
# Its data is found: it knows the configurations.
expect_status 2 "$there/bin/kcovtool" lab run --machine none -- true
expect_in "$scratch/err" "try one of um, "
ln -s "$there/bin/kcovtool" "$scratch/link"
expect_status 2 "$scratch/link" lab run --machine none -- true
expect_in "$scratch/err" "try one of um, "
expect_status 0 "$there/bin/kcovtool" trace --on host --functions -- "$KCOV_BUILD/host_plain" 0x2a
expect_in "$scratch/out" "parse.c"
# Without its data it says so.
mv "$there/share/kcov" "$there/share/elsewhere"
expect_status 125 "$there/bin/kcovtool" lab build
expect_in "$scratch/err" "cannot find the kernel port's files"
expect_status 2 env KCOVTOOL_DATA="$there/share/elsewhere" "$there/bin/kcovtool" lab build --machine none
expect_in "$scratch/err" "try one of um, "

# For whoever packs it: everything below DESTDIR and the prefix.
DESTDIR=$scratch/root install_to /opt/kcov
[ -x "$scratch/root/opt/kcov/bin/kcovtool" ] || fail "DESTDIR"
[ "$(ls "$scratch/root" "$scratch/root/opt")" = "$(printf '%s\n' "$scratch/root:" opt "" "$scratch/root/opt:" kcov)" ] ||
  fail "files outside of the prefix: $(find "$scratch/root" -maxdepth 2)"
