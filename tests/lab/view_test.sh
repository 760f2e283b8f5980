#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Ways to look at what a real kernel executed: trees of calls, source lines, a pager.
. "$(dirname "$0")/common.sh"
cd "$scratch"
unset NO_COLOR KCOVTOOL_PAGER PAGER LESS
export TERM=xterm

expect_status 0 "$kcovtool" trace -o run.kcov -- cat /etc/hostname
"$kcovtool" show --full run.kcov >text
"$kcovtool" show --tree --full run.kcov >tree
# An entry's line in the tree for each in the text, with as many PCs and as many new ones.
sed -nE 's/^([a-z(].{17}) +([0-9]+) +([0-9]+) +[0-9]+  .*/\1 \2 \3/p' text | sed -E 's/ +/ /g' >entries
sed -nE 's/^ *([0-9]+) ([a-z(][^#]*)  #[0-9]+(, ([0-9]+) new)?.*/\2 \1 \4/p' tree | sed -E 's/ $/ 0/; s/ +/ /g' >roots
[ "$(wc -l <entries)" -gt 50 ] || fail "next to no entries"
diff entries roots >&2 || fail "the tree has other entries"
# Known ways: a read() comes to the pipe's or the file's own function through these, each within
# the one before.
awk '
  / (handle_syscall|__se_sys_read|ksys_read|vfs_read)( |,|$)/ {
    match($0, /^ *[0-9]+ */); depth[$2] = RLENGTH
    if ($2 == "vfs_read" && depth["ksys_read"] < RLENGTH && depth["__se_sys_read"] < depth["ksys_read"] &&
        depth["handle_syscall"] < depth["__se_sys_read"]) found = 1
  }
  END { exit !found }' tree || fail "vfs_read is not below ksys_read"
expect_in tree ", inlined" " ×" "fs/read_write.c:"
expect_not_in tree ', goes on'
# With nobody to cut it a line is as long as it likes; else it is not.
"$kcovtool" show --tree run.kcov | python3 -c '
import sys
for line in sys.stdin:
    assert len(line) <= 101, line'

# Source: of a tree that has one of the files.
"$kcovtool" show --functions --full run.kcov | awk '$1 ~ /^fs\/read_write.c:/ { print $1 }' >places
[ -s places ] || fail "nothing of fs/read_write.c was reached"
mkdir -p tree.d/fs
awk 'BEGIN { for (i = 1; i <= 3000; ++i) print "line " i }' >tree.d/fs/read_write.c
expect_status 0 "$kcovtool" show --source --source-dir tree.d --context 0 run.kcov
while IFS=: read -r _ line; do expect_in out " $line:line $line"; done <places
expect_in err " source files are not in tree.d ("
[ "$(wc -l <err)" = 1 ] || fail "more than one sentence"
KCOVTOOL_CACHE=$scratch/none expect_status 0 "$kcovtool" show --source run.kcov
expect_in err "the source is not at hand, lines are shown by number: name it with --source-dir DIR"
# Beside the image, where lab build keeps it.
mkdir image
cp -r tree.d image/source
cp "$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \(.*vmlinux\) .*/\1/p')" image/vmlinux
expect_status 0 "$kcovtool" show --source --vmlinux image/vmlinux run.kcov
expect_in out ":line "

# A trace that is paged ends as its command did.
status=0
KCOVTOOL_PAGER="head -n 3" python3 "$here/../golden/on_terminal.py" 80 20 "$kcovtool" trace -- sh -c 'exit 3' >paged 2>err || status=$?
[ $status = 3 ] || fail "status $status of a command that ended with 3, paged"
[ "$(wc -l <paged)" = 3 ] && [ ! -s err ] || fail "not paged: $(wc -l <paged) lines; $(cat err)"
