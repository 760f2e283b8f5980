#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What zsh completes is what each subcommand's help has. What it tells zsh's own functions is
# looked at, and once what they make of it.
. "$(dirname "$0")/common.sh"
command -v zsh >/dev/null || skip "zsh is not installed"

cat >"$scratch/told.zsh" <<'END'
# told WORD...: what _arguments and _describe are told for the last word.
_arguments() { shift; print -rl -- "$@" }
_describe() { print -rl -- "${(P@)2}" }
words=("$@") CURRENT=$#
source $KCOV_BUILD/package/kcovtool.zsh
END
told() { zsh -f "$scratch/told.zsh" "$kcovtool" "$@"; }

all_commands >"$scratch/commands"
while read -r command; do
  # shellcheck disable=SC2086
  told $command - | sed -nE 's/^\*?(-[^][ =]+).*/\1/p' | sort >"$scratch/out"
  [ -s "$scratch/out" ] || fail "nothing for $command"
  diff <(options_of "$command" | tr , '\n' | sort) "$scratch/out" >&2 ||
    fail "offered (>) is not what the help has (<): $command"
done <"$scratch/commands"
told "" | sed 's/:.*//' | diff <("$kcovtool" --help | section Subcommands) - || fail "subcommands"
told lab "" | sed 's/:.*//' | diff <("$kcovtool" lab --help | section Subcommands) - || fail "lab's"
told trace "" >"$scratch/out"
expect_in "$scratch/out" "--on=[um, x86_64" ":value:(um x86_64 native host)" "*::command:_normal" \
  "*--write=[a host directory" ":value:_files -/" "--raw[the PCs"
told symbolize "" >"$scratch/out"
expect_in "$scratch/out" "--machine=[" ":value:_kcovtool_machines" "1:file:_files"
told diff "" >"$scratch/out"
expect_in "$scratch/out" '1:first:_files -g "*.kcov(-.)"' '2:second:_files -g "*.kcov(-.)"'

# The same with zsh's own functions, on a terminal: the Tab key.
mkdir -p "$scratch/functions" "$scratch/here"
cp "$KCOV_BUILD/package/kcovtool.zsh" "$scratch/functions/_kcovtool"
touch "$scratch/here/only.kcov" "$scratch/here/text"
cat >"$scratch/typed.zsh" <<'END'
# typed TEXT: the line that Tab makes of it.
zmodload zsh/zpty
zpty shell "cd $2 && PS1= zsh -f -i"
zpty -w shell "stty -echo; fpath=($1 \$fpath); path=(${3:h} \$path); autoload -U compinit; compinit -u -D; print re''ady"
zpty -r shell text '*ready*'
# The line is shown, not run.
zpty -w shell "show() { print \"<\$BUFFER>\"; BUFFER= }; zle -N show; bindkey '^X' show; print se''t"
zpty -r shell text '*set*'
zpty -w -n shell "$4"$'\t\x18'
zpty -r shell text '*<*>*'
print -r -- ${${text##*<}%%>*}
zpty -d shell
END
typed() { timeout 60 zsh -f "$scratch/typed.zsh" "$scratch/functions" "$scratch/here" "$kcovtool" "$1"; }
expect_typed() {
  local line
  line=$(typed "$1")
  [ "$line" = "$2" ] || fail "Tab makes of \"$1\": \"$line\", expected \"$2\""
}
expect_typed 'kcovtool sym' 'kcovtool symbolize '
expect_typed 'kcovtool trace --on na' 'kcovtool trace --on native '
expect_typed 'kcovtool lab run --machine um-s' 'kcovtool lab run --machine um-selftest '
expect_typed 'kcovtool show ' 'kcovtool show only.kcov '
expect_typed 'kcovtool trace --raw -- cat te' 'kcovtool trace --raw -- cat text '
