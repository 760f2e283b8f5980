# SPDX-License-Identifier: GPL-2.0-only OR MIT
# For the scripts beside it: those of tests/lab have the rest in common with them.
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
root=$(cd "$here/../.." && pwd)

# install_to PREFIX [COMPONENT]
install_to() {
  cmake --install "$KCOV_BUILD" --prefix "$1" ${2:+--component "$2"} >"$scratch/install.log" 2>&1 || {
    cat "$scratch/install.log" >&2
    fail "cmake --install"
  }
}

# section NAME: the names in a section of the help on standard input.
section() { awk -v name="$1:" '$0 == name { on = 1; next } /^([^ ]|$)/ { on = 0 } on { print $1 }'; }

# all_commands: the words of every subcommand, one subcommand a line.
all_commands() {
  local command inner
  for command in $("$kcovtool" --help | section Subcommands); do
    printf '%s\n' "$command"
    for inner in $("$kcovtool" "$command" --help | section Subcommands); do
      printf '%s %s\n' "$command" "$inner"
    done
  done
}

# options_of WORDS: the options in a subcommand's help; the names of one on one line ("-o,--output").
options_of() {
  # shellcheck disable=SC2086
  "$kcovtool" $1 --help | sed -nE 's/^ {2,4}(-[^ ]+).*/\1/p' | sort
}
