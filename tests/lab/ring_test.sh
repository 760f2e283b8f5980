#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a busy command records on um comes through the machine's memory, and not over its line.
. "$(dirname "$0")/common.sh"
through_memory=$KCOV_BUILD/lab_through_memory

# Nothing is prepared for what is over in a moment.
"$through_memory" true >"$scratch/out"
read -r records through <"$scratch/out"
[ "$records" -gt 10000 ] || fail "true recorded $records PCs"
[ "$through" = 0 ] || fail "$through of $records PCs went through the memory"

"$through_memory" sh -c 'dd if=/dev/zero of=/dev/null bs=512 count=100000 2>/dev/null; ls / >/dev/null' >"$scratch/out"
read -r records through <"$scratch/out"
[ "$records" -gt 4000000 ] || fail "dd recorded $records PCs"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory"

# Where that is a file on a disk it is the same.
mkdir "$scratch/memory"
KCOVTOOL_MEMORY=$scratch/memory "$through_memory" dd if=/dev/zero of=/dev/null bs=512 count=100000 >"$scratch/out" 2>"$scratch/err"
read -r records through <"$scratch/out"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory, a file of $scratch"

# By way of a link, too.
ln -s "$scratch/memory" "$scratch/link"
KCOVTOOL_MEMORY=$scratch/link "$through_memory" dd if=/dev/zero of=/dev/null bs=512 count=100000 >"$scratch/out" 2>"$scratch/err"
read -r records through <"$scratch/out"
[ "$((through * 2))" -gt "$records" ] || fail "only $through of $records PCs went through the memory, behind a link"

# What a task that has ended is said to have done is refused, whoever says it: the command may write
# to the machine's line itself. A frame is a type, a length and its payload.
python3 - "$scratch" <<'PYTHON'
import struct, sys
def frame(kind, *numbers):
    payload = b"".join(struct.pack("<Q", n) for n in numbers)
    return struct.pack("<BI", kind, len(payload)) + payload
TASK, PROGRAM, TASK_END = 11, 12, 18
# A second task, and its end, without records; then a program of it.
good = frame(TASK, 1, 77, 77, 1, 100, 0) + frame(TASK_END, 1, 0, 1, 0, 0)
open(sys.argv[1] + "/good", "wb").write(good)
open(sys.argv[1] + "/bad", "wb").write(good + frame(PROGRAM, 1, 0, 0))
PYTHON
line=$("$kcovtool" lab run -- ls -l /proc/1/fd | sed -n 's|.* \([0-9]*\) -> /dev/ttyS0.*|\1|p' | head -n 1)
# As the command, while the agent has nothing to say, or its frames are cut in two.
cat >"$scratch/forge.c" <<'C'
#include <fcntl.h>
#include <unistd.h>
int main(int count, char** names) {
  char frames[4096];
  long size = read(open(names[1], O_RDONLY), frames, sizeof frames);
  int line = open(names[2], O_WRONLY);
  usleep(500000);
  if (count != 3 || write(line, frames, size) != size) return 3;
  usleep(200000);
  return 0;
}
C
gcc -O1 -o "$scratch/forge" "$scratch/forge.c"
expect_status 0 "$kcovtool" trace -- "$scratch/forge" "$scratch/good" "/proc/1/fd/$line"
expect_in "$scratch/out" "2 tasks; "
expect_status 125 "$kcovtool" trace -- "$scratch/forge" "$scratch/bad" "/proc/1/fd/$line"
expect_in "$scratch/err" "sent something that makes no sense"
