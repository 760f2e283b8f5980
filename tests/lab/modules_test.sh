#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Kernel modules: what a system call executes in one that was loaded has its names, counts and
# source like the rest, wherever the kernel has put it.
. "$(dirname "$0")/common.sh"
cd "$scratch"

cat >program.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char status[16] = "";
	int file = open(argv[1], O_RDONLY);

	if (argc != 2 || syscall(SYS_finit_module, file, "", 0) != 0)
		return perror(argv[1]), 1;
	mkdir("/tmp/formats", 0700);
	if (mount("none", "/tmp/formats", "binfmt_misc", 0, NULL) != 0)
		return perror("mount"), 2;
	file = open("/tmp/formats/register", O_WRONLY);
	if (write(file, ":own:E::kcov::/bin/true:", 24) != 24)
		return perror("write"), 4;
	file = open("/tmp/formats/status", O_RDONLY);
	if (read(file, status, sizeof status) != 8)
		return perror("read"), 3;
	return 0;
}
END
gcc -o program program.c

for variant in ours stock; do
  vmlinux=$("$kcovtool" lab list | sed -n "s/^\* x86_64 $variant [^ ]* \([^ ]*\) .*/\1/p")
  module=$(dirname "$vmlinux")/modules/fs/binfmt_misc.ko
  for run in one two; do
    # shellcheck disable=SC2046
    expect_status 0 "$kcovtool" trace --on x86_64 $([ $variant = ours ] || echo --stock) -o $run.kcov -- "$PWD/program" "$module"
    [ ! -s err ] || fail "$variant: $(cat err)"
    "$kcovtool" show --json $run.kcov >$run.json
    python3 - $run.json <<'END' || fail "$variant: read does not reach the module"
import json, sys
report = json.load(open(sys.argv[1]))
reads = [entry for task in report["tasks"] for entry in task["entries"] if entry["name"] == "read"]
names = {name for entry in reads for name in entry["functions"]}
assert "bm_status_read" in names, names
assert [module["name"] for module in report["kernel"]["modules"]] == ["binfmt_misc"]
END
  done
  "$kcovtool" show --files one.kcov | grep -q ' fs/binfmt_misc.c$' || fail "$variant: its file is not listed"

  # Loaded elsewhere, it is the same.
  expect_status 0 "$kcovtool" diff one.kcov two.kcov
  expect_not_in out bm_status_read
  "$kcovtool" merge -o both.kcov one.kcov two.kcov >/dev/null || fail "cannot merge"
  in_module() { "$kcovtool" export --format offsets "$1" 2>err | grep '^binfmt_misc.ko+'; }
  in_module one.kcov >offsets
  [ "$(wc -l <offsets)" -gt 20 ] || fail "$variant: $(wc -l <offsets) PCs in the module"
  # What initialized it is gone, and where it was is not known.
  gone=$(sed -nE 's/^kcovtool: ([0-9]+) PCs are left out: they lie in no code that is known$/\1/p' err)
  calls=$(objdump -dr -j .init.text "$module" | grep -c '__sanitizer_cov_trace_pc-')
  [ "${gone:-0}" -gt 0 ] && [ "$gone" -le "$calls" ] || fail "$variant: of $calls calls in its initialization $(cat err)"
  in_module both.kcov >both
  [ "$(comm -23 offsets both)" = "" ] || fail "$variant: merged, the module is another"
  [ "$(wc -l <both)" -lt $(("$(wc -l <offsets)" * 3 / 2)) ] || fail "$variant: merged, the module is there twice"
  # As addr2line has it, of the instruction before.
  sed 's/.*+//' offsets | python3 -c 'import sys
for line in sys.stdin: print(hex(int(line, 16) - 1))' | addr2line -f -e "$module" -j .text >lines
  grep -qx bm_status_read lines || fail "$variant: addr2line knows no bm_status_read"

  # All that there is to cover in it is in the report, and none of its PCs is nobody's.
  expect_status 0 "$kcovtool" report -o report one.kcov
  [ ! -s err ] || fail "$variant: $(cat err)"
  python3 - "$gone" <<'END' || fail "$variant: the report does not have the module"
import json, pathlib, sys
def data(name):
    text = pathlib.Path("report/data", name + ".js").read_text()
    return json.loads(text[text.index(",") + 1:text.rindex(")")])
index = data("index")
assert index["strays"]["count"] == int(sys.argv[1]), index["strays"]
files = [data(str(number)) for number in range(index["files"][1])]
file = next(file for file in files if file["name"] == "fs/binfmt_misc.c")
covered, points = sum(file["lines"][1::6]), sum(file["lines"][2::6])
assert 0 < covered < points, (covered, points)
assert "bm_status_read" in file["source"]
END

  # Its PCs, and where it lay.
  start=$(python3 -c 'import sqlite3
print(hex(sqlite3.connect("one.kcov").execute("SELECT start FROM modules WHERE name = ?", ["binfmt_misc"]).fetchone()[0] & (1 << 64) - 1))')
  "$kcovtool" show --raw one.kcov | sort -u >pcs
  "$kcovtool" symbolize --vmlinux "$vmlinux" --module "$module@$start" pcs >named
  grep -q ' bm_status_read fs/binfmt_misc.c:' named || fail "$variant: symbolize --module does not name it"
  [ "$(grep -c '?$' named)" = "$gone" ] || fail "$variant: without a name: $(grep '?$' named | head -n 3)"
  [ "$("$kcovtool" symbolize --vmlinux "$vmlinux" pcs | grep -c '?$')" = $(("$(wc -l <offsets)" + gone)) ] ||
    fail "$variant: without the module others than its PCs have no name"

  # Its file is not there.
  cp "$vmlinux" vmlinux
  expect_status 0 "$kcovtool" show --vmlinux vmlinux one.kcov
  expect_in err "PCs of the module binfmt_misc have no names: it is neither below $PWD nor /lib/modules/6.12"
done

expect_status 2 "$kcovtool" symbolize --module tun.ko@12 pcs
expect_in err 'cannot tell where the module "tun.ko@12" lies: --module takes FILE@ADDRESS'
expect_status 125 "$kcovtool" symbolize --module "$PWD/program@0xffffffffa0000000" pcs
expect_in err "it is no kernel module for x86-64"
