#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What bash completes is what each subcommand's help has.
. "$(dirname "$0")/common.sh"
. "$KCOV_BUILD/package/kcovtool.bash"

# offered WORD...: for the last of them.
offered() {
  COMP_WORDS=("$kcovtool" "$@") COMP_CWORD=$# COMPREPLY=()
  _kcovtool
  [ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort
}
# expect_offered "WORD..." WORD...: exactly these, for what follows.
expect_offered() {
  local expected=$1
  shift
  # shellcheck disable=SC2086
  diff <(printf '%s\n' $expected | sort | grep . || true) <(offered "$@") >&2 ||
    fail "offered (>) is not what was expected (<) for: $*"
}

complete -p kcovtool | grep -q '_kcovtool kcovtool' || fail "it is not registered"
expect_offered "$("$kcovtool" --help | section Subcommands)" ""
all_commands >"$scratch/commands"
[ "$(wc -l <"$scratch/commands")" -ge 9 ] || fail "too few subcommands: $(cat "$scratch/commands")"
while read -r command; do
  # shellcheck disable=SC2086
  expect_offered "$(options_of "$command" | tr , '\n')" $command -
done <"$scratch/commands"

machines=$(cd "$root/lab/config" && ls | sed 's/\.config$//')
expect_offered "um x86_64 native host" trace --on ""
expect_offered "native" trace --raw --on na
expect_offered "um x86_64 native host" trace --on =
expect_offered "host" trace --on = ho
expect_offered "lcov cobertura codecov jsonl rawcover offsets drcov sancov" export --format ""
expect_offered "$machines" lab run --machine ""
expect_offered "um-6.1" symbolize --machine um-6
expect_offered "" trace --buffer ""
expect_offered "$("$kcovtool" lab --help | section Subcommands)" lab ""
expect_offered "list" lab li
expect_offered "" no-such-subcommand ""

mkdir -p "$scratch/here/folder"
cd "$scratch/here"
touch one.kcov 'two words.kcov' text '$(touch hurt)'
diff <(printf '%s\n' folder one.kcov 'two words.kcov') <(offered show "") || fail "recordings"
diff <(printf '%s\n' folder one.kcov 'two words.kcov') <(offered diff one.kcov "") || fail "a second one"
expect_offered "one.kcov" export --format lcov o
expect_offered "folder" trace --write ""
expect_offered "one.kcov" trace -o on
expect_offered "text" symbolize --vmlinux te
expect_offered "text" symbolize te
expect_offered "--" trace ""
offered trace -- l | grep -qx ls || fail "ls is not offered"
expect_offered "text" trace -- cat te
offered show '$' >/dev/null
[ ! -e hurt ] || fail "a file's name was executed"
