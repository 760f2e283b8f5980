#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Colours where there is a terminal; a pager where the terminal is too small; neither in a pipe.
. "$(dirname "$0")/../lab/common.sh"
run=$scratch/run.kcov
"$KCOV_BUILD/golden_recording" "$run"
unset NO_COLOR KCOVTOOL_PAGER PAGER LESS LV LESSCHARSET
export KCOVTOOL_CACHE=$scratch/cache TERM=xterm
on_terminal() { python3 "$here/../golden/on_terminal.py" "$@"; }
escape=$(printf '\033')

# has_colour YES|NO COMMAND...
has_colour() {
  local expected=$1 found=NO
  shift
  "$@" >"$scratch/shown" 2>"$scratch/err" || fail "exit status $?: $*"
  ! grep -q "$escape" "$scratch/shown" || found=YES
  [ $found = "$expected" ] || fail "colours: $found, expected $expected: $*"
}
show=("$kcovtool" show "$run")
export KCOVTOOL_PAGER=cat
has_colour NO "${show[@]}"
has_colour YES "${show[@]}" --color always
has_colour YES env NO_COLOR=1 "${show[@]}" --color always
has_colour YES on_terminal 80 500 "${show[@]}"
has_colour YES env NO_COLOR= python3 "$here/../golden/on_terminal.py" 80 500 "${show[@]}"
has_colour NO env NO_COLOR=1 python3 "$here/../golden/on_terminal.py" 80 500 "${show[@]}"
has_colour NO env TERM=dumb python3 "$here/../golden/on_terminal.py" 80 500 "${show[@]}"
has_colour NO on_terminal 80 500 "${show[@]}" --color never
for view in --json --raw; do has_colour NO on_terminal 80 500 "${show[@]}" $view; done
# Colours change nothing else.
"${show[@]}" --tree --color always 2>/dev/null | sed "s/$escape\[[0-9;]*m//g" >"$scratch/stripped"
"${show[@]}" --tree 2>/dev/null | diff - "$scratch/stripped" >&2 || fail "without its colours it is another text"

unset KCOVTOOL_PAGER

# A pager that leaves a note.
cat >"$scratch/pager" <<'END'
#!/bin/sh
echo "$LESS $LV $LESSCHARSET" >"$NOTE"
cat
END
chmod +x "$scratch/pager"
export NOTE=$scratch/note

# paged YES|NO COMMAND...
paged() {
  local expected=$1 found=NO
  shift
  rm -f "$NOTE"
  "$@" >"$scratch/shown" 2>"$scratch/err" || fail "exit status $?: $*"
  [ ! -e "$NOTE" ] || found=YES
  [ $found = "$expected" ] || fail "paged: $found, expected $expected: $*"
  [ ! -s "$scratch/err" ] || { cat "$scratch/err" >&2; fail "it has something to say: $*"; }
}
small=(on_terminal 80 10 "${show[@]}" --text --color never)
large=(on_terminal 80 500 "${show[@]}" --text --color never)
"${large[@]}" >"$scratch/whole"
export KCOVTOOL_PAGER=$scratch/pager
paged YES "${small[@]}"
diff "$scratch/whole" "$scratch/shown" >&2 || fail "through the pager it is another text"
[ "$(cat "$NOTE")" = "FRX -c utf-8" ] || fail "the pager's environment: $(cat "$NOTE")"
LESS=x paged YES "${small[@]}"
[ "$(cat "$NOTE")" = "x -c utf-8" ] || fail "LESS was changed: $(cat "$NOTE")"
paged NO "${large[@]}"
# Just as many lines as there are rows leave none for what comes after.
lines=$(wc -l <"$scratch/whole")
paged YES on_terminal 200 "$lines" "${show[@]}" --color never
paged NO on_terminal 200 $((lines + 1)) "${show[@]}" --color never
# A pipe or a file is never paged.
paged NO "${show[@]}" --text
paged NO on_terminal 80 10 sh -c "'$kcovtool' show '$run' | cat"
# A command with arguments; the other variable; none wanted.
KCOVTOOL_PAGER="sh -c 'touch \$NOTE; cat'" paged YES "${small[@]}"
KCOVTOOL_PAGER="false" PAGER=$scratch/pager paged NO "${small[@]}"
unset KCOVTOOL_PAGER
PAGER=$scratch/pager paged YES "${small[@]}"
for none in cat ""; do
  KCOVTOOL_PAGER=$none PAGER=$scratch/pager paged NO "${small[@]}"
  diff "$scratch/whole" "$scratch/shown" >&2 || fail "without a pager it is another text"
done

# One that is left early, or killed, ends nothing else, though there is more than a pipe holds.
"$KCOV_BUILD/golden_recording" "$scratch/long.kcov" 20000
long=(on_terminal 80 10 "$kcovtool" show "$scratch/long.kcov")
for early in true "head -n 1" 'kill -KILL $$' "exit 3"; do
  KCOVTOOL_PAGER=$early paged NO "${small[@]}"
  KCOVTOOL_PAGER=$early paged NO "${long[@]}"
done
# One that is missing, or is no program: the text is there all the same.
for missing in /no/such/pager /etc/passwd; do
  status=0
  KCOVTOOL_PAGER=$missing "${small[@]}" >"$scratch/shown" 2>"$scratch/err" || status=$?
  [ $status = 0 ] || fail "exit status $status with the pager $missing"
  diff "$scratch/whole" "$scratch/shown" >&2 || fail "without the pager it is another text"
  expect_in "$scratch/err" "$missing"
done
# Nobody asked for less.
mkdir "$scratch/bin"
ln -s "$(command -v sh)" "$scratch/bin/sh"
paged NO on_terminal 80 10 env PATH="$scratch/bin" "${show[@]}" --text --color never
diff "$scratch/whole" "$scratch/shown" >&2 || fail "where there is no less it is another text"

# less itself, which waits for its q, and then nothing has been left out or said.
command -v less >/dev/null || skip "less is not installed; all else was tested"
paged NO on_terminal --type q 80 10 "${show[@]}" --color never
expect_in "$scratch/shown" "$(head -n 1 "$scratch/whole")"
! grep -qF "$(tail -n 1 "$scratch/whole")" "$scratch/shown" || fail "less showed all of it at once"
