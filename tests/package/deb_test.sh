#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The Debian packages: made of what is built, whole, where Debian wants it; unpacked into a
# root of their own, the tool runs from there.
. "$(dirname "$0")/common.sh"
for program in dpkg-deb dpkg-shlibdeps file; do
  command -v $program >/dev/null || skip "$program is not installed"
done

export DEBFULLNAME="The Builder" DEBEMAIL=builder@example.com
(cd "$KCOV_BUILD" && cpack -G DEB -B "$scratch/packages") >"$scratch/log" 2>&1 || {
  cat "$scratch/log" >&2
  fail "cpack"
}
version=$("$kcovtool" --version)
architecture=$(dpkg --print-architecture)
for package in kcovtool libkcov0 libkcov-dev; do
  deb=$scratch/packages/${package}_${version}_$architecture.deb
  [ -s "$deb" ] || fail "no $(basename "$deb"): $(ls "$scratch/packages")"
  dpkg-deb -c "$deb" | awk '{ print $2, $6 }' >"$scratch/files"
  # As root's, below /usr, and no man page that is not compressed.
  expect_not_in <(grep -v '^root/root ' "$scratch/files") .
  expect_not_in <(grep -vE ' \./(usr/((bin|include|lib|libexec|share)/.*)?)?$' "$scratch/files") .
  expect_not_in "$scratch/files" '/man[0-9]/[^/]*\.[0-9]$'
  expect_in "$scratch/files" "./usr/share/doc/$package/copyright" \
    "./usr/share/doc/$package/changelog.gz"
  for field in Version Architecture Maintainer Section Priority Description Installed-Size; do
    [ -n "$(dpkg-deb -f "$deb" $field)" ] || fail "$package has no $field"
  done
  dpkg-deb -x "$deb" "$scratch/root"
  dpkg-deb -e "$deb" "$scratch/control"
  (cd "$scratch/root" && md5sum -c --quiet "$scratch/control/md5sums") || fail "$package: md5sums"
  rm -r "$scratch/control"
done
field() { dpkg-deb -f "$scratch/packages/$1_${version}_$architecture.deb" "$2"; }
# What the linker says: a library of the tool, and the C library.
for library in libc6 libdw1 libsqlite3-0 libzstd1; do
  field kcovtool Depends | grep -qw -- "$library" || fail "kcovtool: $(field kcovtool Depends)"
done
[ "$(field kcovtool Maintainer)" = "The Builder <builder@example.com>" ] || fail "$(field kcovtool Maintainer)"
# Of libraries, what the plugin for gcc is linked with.
[[ "$(field libkcov-dev Depends)" =~ ^"libkcov0 (= $version)"(, lib(c6|stdc\+\+6|gcc-s1) [^,]*)*$ ]] ||
  fail "$(field libkcov-dev Depends)"
# What it recommends for `lab build` is what setup.sh installs.
packages=" $(. "$root/scripts/setup.sh" && echo $BUILD_PACKAGES) "
for package in $(field kcovtool Recommends | tr -d ,); do
  [[ $packages == *" $package "* ]] || fail "scripts/setup.sh has no $package"
done

usr=$scratch/root/usr
gzip -t "$usr"/share/man/man1/*.gz "$usr"/share/man/man4/*.gz "$usr"/share/doc/*/changelog.gz
[ -s "$usr/share/man/man1/kcovtool-trace.1.gz" ] || fail "no page"
[ -s "$usr/share/zsh/vendor-completions/_kcovtool" ] || fail "zsh"
export KCOVTOOL_CACHE=$scratch/cache
expect_status 0 "$usr/bin/kcovtool" lab list
expect_status 2 "$usr/bin/kcovtool" lab run --machine none -- true
expect_in "$scratch/err" "try one of um, "
expect_status 0 "$usr/bin/kcovtool" trace --on host --functions -- "$KCOV_BUILD/host_plain" 0x2a
expect_in "$scratch/out" "parse.c"
[ -x "$usr/libexec/kcov/kcov-agent" ] || fail "no agent"

if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --allow-root "$scratch/packages"/*.deb >&2 || fail "lintian"
fi
