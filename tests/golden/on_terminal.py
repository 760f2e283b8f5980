#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""on_terminal.py [--type TEXT] COLUMNS ROWS CMD ARGS: runs CMD with a terminal of that size as its
standard input and output, writes what it printed there to standard output, and exits as it did.
TEXT is typed when something was printed and nothing more has come for a while. Standard error
stays what it was."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

arguments = sys.argv[1:]
typed = b""
if arguments[0] == "--type":
    typed = arguments[1].encode()
    arguments = arguments[2:]
columns, rows = int(arguments[0]), int(arguments[1])
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
# Lines end as the program ended them.
modes = termios.tcgetattr(theirs)
modes[1] &= ~termios.OPOST
modes[3] &= ~termios.ECHO
termios.tcsetattr(theirs, termios.TCSANOW, modes)


def begin():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


child = subprocess.Popen(arguments[2:], stdin=theirs, stdout=theirs, preexec_fn=begin)
os.close(theirs)
printed = False
while True:
    ready, _, _ = select.select([ours], [], [], 0.5 if typed and printed else None)
    if not ready:
        os.write(ours, typed)
        typed = b""
        continue
    try:
        data = os.read(ours, 65536)
    except OSError:
        break
    if not data:
        break
    printed = True
    sys.stdout.buffer.write(data)
sys.stdout.flush()
sys.exit(child.wait() if child.wait() >= 0 else 128 - child.returncode)
