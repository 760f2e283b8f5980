#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Frames on a machine's line that its agent did not write.
. "$(dirname "$0")/common.sh"

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
