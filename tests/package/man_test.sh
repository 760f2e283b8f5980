#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Every subcommand has its manual page, every option of its help is in that page and the
# reverse, what pages refer to is there, and the formatters have nothing to say.
. "$(dirname "$0")/common.sh"
command -v groff >/dev/null || skip "groff is not installed"

# plain PAGE [WIDTH]: as text, without hyphens that are not in it.
plain() { groff -man -Tascii -P-c -P-b -P-u -rHY=0 -rLL="${2-80}n" "$1"; }

for page in "$root"/man/*.[1-9]; do
  groff -man -Tutf8 -ww "$page" >/dev/null 2>"$scratch/warnings"
  [ ! -s "$scratch/warnings" ] || fail "$page: $(cat "$scratch/warnings")"
  if command -v mandoc >/dev/null; then
    mandoc -Tlint -W error "$page" >"$scratch/warnings" || fail "$(cat "$scratch/warnings")"
  fi
  for other in $(plain "$page" | grep -oE '\bkcov(tool)?(-[a-z-]+)?\([14]\)' | tr -d ')' | sort -u); do
    [ -e "$root/man/${other%(*}.${other#*(}" ] || fail "$(basename "$page") refers to $other)"
  done
done

# The machines that lab build knows are those of lab/config.
plain "$root/man/kcovtool-lab-build.1" 2000 | grep -oE '\b(um|x86_64)(-[a-z0-9.]*[a-z0-9])?\b' | sort -u >"$scratch/page"
for configuration in "$root"/lab/config/*.config; do basename "$configuration" .config; done | sort >"$scratch/configurations"
diff "$scratch/configurations" "$scratch/page" >&2 ||
  fail "kcovtool-lab-build.1: its machines (>) are not those of lab/config (<)"

# part PAGE SECTION: as text, in lines that do not end before the paragraph does.
part() {
  plain "$1" 2000 |
    awk -v name="$2" '$0 == name { on = 1; next } /^[^ ]/ { on = 0 } on'
}

{ echo; all_commands; } | while read -r command; do
  name=kcovtool${command:+ $command}
  page=$root/man/${name// /-}.1
  [ -e "$page" ] || fail "$name has no page: $page"
  # Only the tool's own page has what every subcommand has.
  options_of "$command" | { if [ -n "$command" ]; then grep -v '^-h,--help$' || true; else cat; fi; } \
    >"$scratch/help"
  part "$page" OPTIONS | grep -oE '^ {5,8}-[^ ]+(, -[^ ]+)*' | tr -d ' ' | sort >"$scratch/page" || true
  diff "$scratch/help" "$scratch/page" >&2 ||
    fail "$page: its options (>) are not those of $name --help (<)"
  part "$page" SYNOPSIS >"$scratch/synopsis"
  while IFS=, read -r short long; do
    [ -n "$command" ] || break
    grep -qE -- "(^|[^-a-z])($short${long:+|$long})([^-a-z]|\$)" "$scratch/synopsis" ||
      fail "$page: $short is not in its synopsis"
  done <"$scratch/help"
  [ -z "$command" ] || plain "$root/man/kcovtool.1" |
    grep -qF "${name// /-}(1)" || fail "kcovtool.1 does not lead to ${name// /-}(1)"
done
