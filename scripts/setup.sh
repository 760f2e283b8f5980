# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Shared by demo and test: the packages, the tool, the kernels. To be sourced, from the
# root of the repository. Everything here is quick when it has been done before.

say() { printf '==> %s\n' "$*" >&2; }

die() { printf 'error: %s\n' "$*" >&2; exit 125; }

# What the tool and its kernels are built with.
BUILD_PACKAGES="g++ make cmake ninja-build ccache git
  libcli11-dev libfmt-dev nlohmann-json3-dev libxxhash-dev libdw-dev libelf-dev
  libsqlite3-dev libzstd-dev libroaring-dev libzydis-dev zlib1g-dev
  linux-source-6.12 xz-utils bzip2 flex bison bc perl"
# The headers of gcc's plugins, of the version that "gcc" is, or will be.
gcc_version=$(gcc -dumpversion 2>/dev/null || true)
BUILD_PACKAGES="$BUILD_PACKAGES gcc-${gcc_version:-12}-plugin-dev"
# What the tests need beside it.
TEST_PACKAGES="qemu-system-x86 libgtest-dev librapidcheck-dev clang clang-format libclang-rt-14-dev dpkg-dev binutils lcov python3
  libxml2-utils llvm-14 pkg-config file groff-base zsh chromium chromium-driver python3-selenium python3-jsonschema zstd less"
# What scripts/test --all needs beside them.
ALL_PACKAGES="linux-source-6.1 iw iproute2"

# install_packages NAME...: those that are missing, by Debian's own client.
install_packages() {
  local missing="" name
  for name in "$@"; do
    dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed$' ||
      missing="$missing $name"
  done
  [ -n "$missing" ] || return 0
  local as_root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and installing them takes root:$missing"
    as_root=sudo
  fi
  say "installing Debian packages:$missing"
  $as_root apt-get -q -q update >&2 || die "apt-get update failed"
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends $missing >&2 ||
    die "apt-get could not install:$missing"
}

# build_tool PRESET [TARGET...]: quiet unless it fails.
build_tool() {
  local preset=$1 log
  shift
  log=$(mktemp)
  say "building the tool${preset:+ ($preset)}: a minute or two the first time"
  # What an earlier clone compiled, wherever that stood, is not compiled again.
  if ! { CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache cmake --preset "$preset" &&
    CCACHE_DEPEND=1 CCACHE_BASEDIR=$PWD cmake --build --preset "$preset" ${1:+--target "$@"}; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "the build failed (preset $preset)"
  fi
  rm -f "$log"
}

# build_kernel [--machine x86_64] [--stock]: into the cache; five minutes the first time.
build_kernel() {
  say "kernel: kcovtool lab build${*:+ $*}     (where it is not there yet: three to eight minutes)"
  build/kcovtool lab build "$@" >&2 || exit 125
}
