# SPDX-License-Identifier: GPL-2.0-only OR MIT
# For the scripts beside it, to be sourced first of all: their arguments, and what they need built.
# What is wrong is one sentence, before anything is measured, and exit status 2.

bench=bench/$(basename "$0")
case " $* " in
  *" --help "* | *" -h "*)
    # The comment at the script's head.
    awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
    exit 0
    ;;
esac

wrong() { printf '%s: %s\n' "$bench" "$*" >&2; exit 2; }

# at_most COUNT ARGUMENT...
at_most() {
  local count=$1
  shift
  [ $# -le "$count" ] || wrong "there are $# arguments, and it takes $count at most: see $bench --help"
}

# number NAME VALUE
number() {
  [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || wrong "$1 is to be a whole number from 1 on, and not \"$2\": see $bench --help"
}

# need_built DIRECTORY TARGET FILE: relative to the repository, or not.
need_built() {
  [ -e "$1/$3" ] || wrong "there is no $1/$3: run cmake --preset release && cmake --build $1 --target $2"
}

# need_program NAME PACKAGE
need_program() { command -v "$1" >/dev/null || wrong "there is no $1: install the package $2"; }

# need_kernel MACHINE
need_kernel() {
  need_built build kcovtool kcovtool
  build/kcovtool lab list | grep -q "^\* $1 ours " ||
    wrong "there is no kernel of ours for $1: run build/kcovtool lab build --machine $1"
}

# image_of MACHINE: its vmlinux.
image_of() { build/kcovtool lab list | sed -n "s/^\* $1 ours [^ ]* \(.*vmlinux\) build-id .*/\1/p"; }
