#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Recordings in the formats of others, each read back by its own consumer.
. "$(dirname "$0")/common.sh"
cd "$scratch"

"$kcovtool" trace -o run.kcov -- cat /etc/hostname >/dev/null
"$kcovtool" show --raw run.kcov >raw
vmlinux=$("$kcovtool" lab list | sed -n 's/^\* um ours [^ ]* \([^ ]*\) .*/\1/p')

# lcov counts what we count.
"$kcovtool" export --format lcov -o run.info run.kcov
lcov --summary run.info >summary 2>&1
lines=$("$kcovtool" show --files run.kcov | awk 'NR > 1 { lines += $2; functions += $1 } END { print lines " lines " functions " functions" }')
[ "$(sed -nE 's/.*\(([0-9]+) of [0-9]+ (lines|functions)\).*/\1 \2/p' summary | tr '\n' ' ')" = "$lines " ] ||
  fail "lcov counts otherwise than --files: $(cat summary) $lines"
genhtml -q --ignore-errors source -o html run.info >genhtml.log 2>&1 || fail "genhtml: $(tail -n 1 genhtml.log)"
grep -q do_sys_open -r html/fs || fail "genhtml's pages have no do_sys_open"

# With all that there is to cover it counts what the report does.
"$kcovtool" export --all --format lcov -o all.info run.kcov
lcov --summary all.info >summary_all 2>&1
"$kcovtool" report -o report run.kcov >/dev/null
python3 - >report_counts <<'PYTHON'
import json
text = open("report/data/index.js").read()
index = json.loads(text[text.index(",") + 1:text.rindex(")")])
print(*index["lines"][:2], *index["functions"])
PYTHON
counts=$(sed -nE 's/.*\(([0-9]+) of ([0-9]+) (lines|functions)\).*/\1 \2/p' summary_all | tr '\n' ' ')
[ "$counts" = "$(cat report_counts) " ] || fail "lcov counts $counts, the report $(cat report_counts)"
read -r hit_of_all all _ <report_counts
[ "$all" -gt $((10 * hit_of_all)) ] || fail "$hit_of_all of $all lines are reached"

"$kcovtool" export --format codecov run.kcov | python3 -c '
import json, jsonschema, sys
report = json.load(sys.stdin)
jsonschema.validate(report, json.load(open(sys.argv[1])))
files = report["coverage"]
assert all(int(line) > 0 and hits > 0 for lines in files.values() for line, hits in lines.items())
print(sum(len(lines) for lines in files.values()), "lines")' "$here/codecov.schema.json" >codecov
[ "$(cat codecov)" = "${lines%% lines*} lines" ] || fail "codecov has $(cat codecov)"

# Cobertura's is valid by what its DTD demands.
"$kcovtool" export --format cobertura --source-dir /usr/src/linux -o run.xml run.kcov
xmllint --noout --nonet --dtdvalid "$here/cobertura.dtd" run.xml 2>xmllint.log ||
  fail "Cobertura's XML is not valid: $(head -n 3 xmllint.log)"
[ "$(xmllint --xpath 'string(/coverage/@lines-covered)' run.xml) lines" = "${lines%% lines*} lines" ] || fail "Cobertura's XML has other totals"

# LLVM's own tool prints the PCs of the file as they are in it, each one less than kcov's.
"$kcovtool" export --format sancov -o vmlinux.1.sancov run.kcov
sancov-14 -print vmlinux.1.sancov | sort -u >sancov.pcs
python3 -c '
import sys
for pc in sorted({int(line, 16) - 1 for line in open("raw")}): print(f"{pc:#x}")' | sort -u >expected.pcs
cmp sancov.pcs expected.pcs || fail "LLVM reads other PCs"

"$kcovtool" export --format rawcover run.kcov >rawcover
sort -u raw | cmp - <(sort rawcover) || fail "rawcover is not the PCs of --raw"
# vmlinux+offset: what addr2line is given for a module.
"$kcovtool" export --format offsets run.kcov >offsets
[ "$(wc -l <offsets)" = "$(wc -l <rawcover)" ] || fail "offsets are not as many as PCs"
grep -qvE '^vmlinux\+0x[0-9a-f]+$' offsets && fail "no offset: $(grep -vE '^vmlinux\+0x' offsets | head -n 1)"

# drcov as a disassembler's plugin reads it.
"$kcovtool" export --format drcov -o run.drcov run.kcov
python3 - "$vmlinux" <<'PYTHON' || fail "drcov does not hold together"
import re, struct, sys
data = open("run.drcov", "rb").read()
head, rest = data.split(b"BB Table: ", 1)
count, blocks = rest.split(b" bbs\n", 1)
lines = head.decode().splitlines()
assert lines[0] == "DRCOV VERSION: 2" and lines[1].startswith("DRCOV FLAVOR: "), lines
assert re.fullmatch(r"Module Table: version 2, count 1", lines[2]), lines
names = [name.strip() for name in lines[3].removeprefix("Columns: ").split(",")]
module = dict(zip(names, [field.strip() for field in lines[4].split(",", len(names) - 1)]))
assert module["path"] == sys.argv[1], module
base = int(module["base"], 16)
pcs = set()
for start, size, number in struct.iter_unpack("<IHH", blocks):
    assert number == 0 and size == 1
    pcs.add(base + start)
assert len(pcs) == int(count)
assert pcs == {int(line, 16) for line in open("raw")}
PYTHON

"$kcovtool" export --format jsonl run.kcov | python3 -c '
import json, sys
print(sum(json.loads(line)["hits"] for line in sys.stdin))' >jsonl
records=$(wc -l <raw)
[ "$(cat jsonl)" = "$records" ] || fail "jsonl has $(cat jsonl) hits, and there are $records records"

cp run.kcov own.kcov
expect_status 2 "$kcovtool" export --format lcov -o own.kcov run.kcov ./own.kcov
expect_in err "cannot export to ./own.kcov: it is one of the recordings"
cmp run.kcov own.kcov
expect_status 2 "$kcovtool" export run.kcov
expect_status 2 "$kcovtool" export --format other run.kcov
expect_status 2 "$kcovtool" export --all --format drcov run.kcov
expect_in err "--all is for lcov, cobertura and codecov: drcov has no place for what was not reached"
expect_status 125 "$kcovtool" export --format lcov -o /no/such/file run.kcov
expect_in err "cannot write /no/such/file: No such file or directory"
expect_status 125 "$kcovtool" export --format drcov --vmlinux "$KCOV_BUILD/kcovtool" run.kcov
expect_in err "is not the kernel that ran"
KCOVTOOL_CACHE=$PWD/empty expect_status 125 "$kcovtool" export --format offsets run.kcov
expect_in err "cannot export offsets: the image of the kernel that ran (Linux 6.12" "name its vmlinux with --vmlinux"
