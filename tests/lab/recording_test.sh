#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Recordings: what is shown of one is what the trace would have shown; whatever ends the tool
# leaves what was recorded until then; other tools can read it.
. "$(dirname "$0")/common.sh"
cd "$scratch"

# A recording of everything, and the streams are the command's own.
expect_status 3 "$kcovtool" trace -o run.kcov -- sh -c 'echo mine; ls /etc >/dev/null; exit 3'
[ "$(cat out)" = mine ] && [ ! -s err ] || fail "the command's streams"
[ "$(ls run.kcov*)" = run.kcov ] || fail "there is more than the recording: $(ls run.kcov*)"
expect_status 0 "$kcovtool" show run.kcov
expect_in out "  runs sh -c echo mine; ls /etc >/dev/null; exit 3" "  runs ls /etc" "2 tasks; " "on um, our kcov, Linux 6.12"
[ ! -s err ] || fail "show has something to say"
# What it takes out is what was put in: the same in each format.
"$kcovtool" show --json run.kcov >json
"$kcovtool" show --raw run.kcov >raw
records=$(sed -n 's/.*; \([0-9]*\) PCs, .*/\1/p' out)
[ "$(wc -l <raw)" = "$records" ] || fail "$(wc -l <raw) PCs raw, $records in the summary"
expect_in json '"status": 3' '"machine": "um, our kcov"'

# Sums: of each call as many as there are lines of it, of all as many PCs as there are.
"$kcovtool" show --calls run.kcov >calls
[ "$(awk '$1 == "openat" { print $2 }' calls)" = "$(grep -c '^openat ' out)" ] || fail "--calls counts openat otherwise"
[ "$(awk 'NR > 1 { sum += $(NF - 3) } END { print sum }' calls)" = "$records" ] || fail "--calls counts other PCs"
"$kcovtool" show --functions --full run.kcov >functions
expect_in functions "fs/open.c:" " do_sys_open " "fs/readdir.c:"
[ "$(tail -n +2 functions | wc -l)" -gt 500 ] || fail "--functions: next to none"
"$kcovtool" show --files run.kcov >files
unknown=$(sed -n 's/^\([^ ]*\):[0-9]* .*/\1/p' functions | sort -u | comm -23 - <(awk 'NR > 1 { print $4 }' files | sort))
[ -z "$unknown" ] || fail "--files does not know files of --functions: $unknown"
counts="$(awk 'NR > 1 { sum += $1 } END { print sum }' files) $(tail -n +2 functions | wc -l)"
[ "${counts% *}" = "${counts#* }" ] || fail "--files and --functions count other functions: $counts"

# The names are in it: no kernel need be there.
KCOVTOOL_CACHE=$scratch/none "$kcovtool" show run.kcov >elsewhere
diff out elsewhere >&2 || fail "without the kernel it looks different"
# And from an image they are made again.
vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*vmlinux\) .*/\1/p')
"$kcovtool" show --vmlinux "$vmlinux" run.kcov | diff out - >&2 || fail "named again it looks different"
stock=$("$kcovtool" lab list | sed -n 's/^\* um stock [^ ]* \(.*vmlinux\) .*/\1/p')
expect_status 125 "$kcovtool" show --vmlinux "$stock" run.kcov
expect_in err "cannot name the PCs of run.kcov: " "is not the kernel that ran"
expect_status 125 "$kcovtool" report --vmlinux "$stock" -o nowhere run.kcov
expect_in err "cannot name the PCs of run.kcov: " "is not the kernel that ran"
[ ! -e nowhere ] || fail "a report without names"
expect_status 0 "$kcovtool" show --raw --vmlinux "$stock" run.kcov
expect_status 125 "$kcovtool" show --vmlinux /nonexistent run.kcov
expect_in err 'cannot read symbols from "/nonexistent": No such file or directory'

# Without names there is nothing to choose from.
expect_status 125 "$kcovtool" trace --only read --raw --vmlinux "$kcovtool" -- true
expect_in err "cannot show read alone: without the names of its PCs no system calls are known in a trace"

# What was not run takes no recording's place, and makes none.
cp run.kcov kept.kcov
expect_status 127 "$kcovtool" trace -o kept.kcov -- no-such-program
cmp run.kcov kept.kcov || fail "a mistyped command has replaced a recording"
expect_status 126 "$kcovtool" trace -o none.kcov -- /etc/passwd
[ ! -e none.kcov ] || fail "there is a recording of nothing"

# Killed, it leaves what came until a second before; what had not left its buffer is not there.
"$kcovtool" trace -o killed.kcov -- sh -c 'ls /etc; echo done; sleep 100' >killed.out &
tool=$!
for _ in $(seq 100); do ! grep -q done killed.out || break; sleep 0.1; done
sleep 2.5
kill -KILL $tool
wait $tool || true
expect_status 0 "$kcovtool" show killed.kcov
expect_in err "killed.kcov was broken off: what had come until then follows, without what the tasks"
expect_in out "  runs ls /etc" "exit_group "

# What asks the tool to end asks the command, and what that did until its end is in.
# begin COMMAND...: traced in the background, until it has said "up", and a shell has made what it
# waits for: dash forgets a SIGINT that comes while it does.
begin() {
  : >stopped.out
  # A script's background jobs ignore SIGINT; this one is to take it as in a terminal.
  env --default-signal=INT,TERM "$kcovtool" trace -o stopped.kcov -- "$@" >stopped.out 2>stopped.err &
  tool=$!
  for _ in $(seq 100); do ! grep -q up stopped.out || break; sleep 0.1; done
  grep -q up stopped.out || fail "the command did not start"
  sleep 1
}
# ends STATUS: the tool does, with this.
ends() {
  local status=0
  wait $tool || status=$?
  [ $status = "$1" ] || fail "status $status after a signal, expected $1: $(cat stopped.err)"
}
begin sh -c 'echo up; sleep 100; echo never'
kill -INT $tool
ends 130
[ ! -s stopped.err ] || fail "the command's end by a signal is no trouble: $(cat stopped.err)"
expect_status 0 "$kcovtool" show stopped.kcov
expect_in out "  runs sleep 100" "clock_nanosleep "
[ ! -s err ] || fail "a whole recording is called broken: $(cat err)"
begin sh -c 'trap "echo asked; exit 9" TERM; echo up; sleep 100 & wait'
kill -TERM $tool
ends 9
expect_in stopped.out "asked"
# Though it reads no input, and there is much.
begin sh -c 'echo up; exec sleep 100' < <(yes)
kill -TERM $tool
ends 143
# Nor though nobody reads its output, of which nothing is lost.
mkfifo unread
exec 7<>unread
: >stopped.out
"$kcovtool" trace -o stopped.kcov -- sh -c 'trap "" TERM; head -c 300000 /dev/zero; exit 5' >unread 2>stopped.err &
tool=$!
sleep 2
kill -TERM $tool
sleep 0.5
timeout 60 head -c 300000 <&7 | wc -c >read
exec 7<&-
ends 5
[ "$(cat read)" = 300000 ] || fail "output was lost"
# One that does not end on it is killed, sooner when there is a second.
begin sh -c 'trap "" TERM; echo up; sleep 100'
kill -TERM $tool
ends 137
expect_in stopped.err "the command had not ended when it was asked to, and was killed; its trace is whole"
begin sh -c 'trap "" TERM INT; echo up; sleep 100'
kill -TERM $tool
sleep 0.5
kill -INT $tool
began=$SECONDS
ends 137
[ $((SECONDS - began)) -lt 4 ] || fail "the second signal had to wait"
expect_status 0 "$kcovtool" show stopped.kcov
expect_in out "clock_nanosleep "

# No place for one: said before the command runs.
expect_status 125 "$kcovtool" trace -o /dev/null -- echo it ran
expect_in err "cannot write the recording /dev/null: it is no regular file"
expect_status 125 "$kcovtool" trace -o /no/such/run.kcov -- echo it ran
expect_in err "cannot write /no/such/run.kcov: No such file or directory: the directory /no/such"
expect_not_in out "it ran"

# What is none.
expect_status 125 "$kcovtool" show /etc/passwd
expect_in err "cannot read the recording /etc/passwd: it is no recording"
expect_status 125 "$kcovtool" show nowhere
expect_in err "cannot read the recording nowhere: No such file or directory"
head -c 20000 run.kcov >cut.kcov
expect_status 125 "$kcovtool" show cut.kcov
expect_in err "cannot read the recording cut.kcov: "
expect_status 2 "$kcovtool" show
expect_status 2 "$kcovtool" show --raw --json run.kcov
for command in "export --format lcov" merge report; do
  # shellcheck disable=SC2086
  expect_status 2 "$kcovtool" $command -o - run.kcov
  expect_in err "standard output is not for it; name a file"
done
expect_status 2 "$kcovtool" trace -o - -- true
expect_status 2 "$kcovtool" trace -o -- true
expect_in err "it has no name; name a file before --"
expect_status 125 sh -c "'$kcovtool' show run.kcov >/dev/full"
expect_in err "No space left on device"

# A full disk ends the trace, and says so.
status=0
(ulimit -f 200 && "$kcovtool" trace --on x86_64 -o small.kcov -- true 2>small.err) || status=$?
[ $status = 125 ] || fail "status $status where the recording did not fit"
expect_in small.err "cannot write the recording " "small.kcov: "

# A program's own kcov: one entry, whose PCs are told apart from its records.
"$kcovtool" trace --on host -o host.kcov -- "$KCOV_BUILD/tests/host/kcov_host_innocent" || fail "status $?"
"$kcovtool" show host.kcov >out
expect_in out "kcov_host_innocent " "on the program's own kcov"
[ "$(awk '$1 == "kcov_host_innocent" { print $2, $3 }' out)" = "$("$kcovtool" show --raw host.kcov 2>/dev/null | sort | uniq -c | awk '{ all += $1 } END { print all, NR }')" ] ||
  fail "PCs and different PCs of a program: $(cat out)"
"$kcovtool" diff host.kcov host.kcov >out
expect_in out "Both runs made the same"

# Another machine.
expect_status 0 "$kcovtool" trace --on x86_64 -o x86.kcov -- true
"$kcovtool" show x86.kcov >out
expect_in out "execve " "on x86_64, our kcov"

# Compared: what a file that is not there leaves out, and where that shows first.
"$kcovtool" trace -o there.kcov -- cat /etc/hostname >/dev/null
"$kcovtool" trace -o gone.kcov -- cat /etc/no-such-file 2>/dev/null && fail "there is such a file"
expect_status 0 "$kcovtool" diff there.kcov gone.kcov
expect_in out "- there.kcov" "+ gone.kcov" "By their names the system calls part ways in task 1, after " "What the kernel executed parts ways in task 1, after " " system calls alike, in " \
  "- sys_fadvise64 mm/fadvise.c" "- mm/fadvise.c:"
expect_status 0 "$kcovtool" diff there.kcov there.kcov
expect_in out "Both runs made the same system calls in the same way."
expect_not_in out '^(functions|lines)$'
# Across kernels: by names, and the same.
"$kcovtool" trace --stock -o stock.kcov -- cat /etc/hostname >/dev/null
expect_status 0 "$kcovtool" diff there.kcov stock.kcov
expect_in out "They are not known to be of one build (or its modules are not): PCs are not compared, and code by its names."
[ "$(awk '$1 == "functions" && NF == 4 { print ($3 + $4 < $2 / 20) }' out)" = 1 ] || fail "the kernels' functions differ"
expect_status 125 "$kcovtool" diff there.kcov /etc/passwd
expect_in err "cannot read the recording /etc/passwd: it is no recording"
# A merged one has no order of calls.
"$kcovtool" merge -o merged.kcov there.kcov there.kcov >/dev/null
expect_status 0 "$kcovtool" diff merged.kcov gone.kcov
expect_in out "- merged.kcov" "In what order system calls were made is not in a merged file." "- sys_fadvise64 mm/fadvise.c"

# Tasks that ended before others were cut into system calls while those ran, with the names that
# there were until then. With all names it is the same.
"$kcovtool" trace -o ahead.kcov -- sh -c 'for i in 1 2 3 4 5; do ls -R /usr/share >/dev/null; find /usr/include >/dev/null; done'
vmlinux=$("$kcovtool" lab list | awk '$1 == "*" && $2 == "um" && $3 == "ours" { print $5 }')
"$kcovtool" show --full ahead.kcov >ahead.txt
"$kcovtool" show --full --vmlinux "$vmlinux" ahead.kcov >anew.txt
cmp ahead.txt anew.txt || fail "what was cut ahead is cut otherwise"
[ "$(grep -c '^process ' ahead.txt)" = 11 ] || fail "$(grep -c '^process ' ahead.txt) processes"
