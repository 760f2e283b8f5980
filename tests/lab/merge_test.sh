#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Many recordings as one.
. "$(dirname "$0")/common.sh"
cd "$scratch"

"$kcovtool" trace -o cat.kcov -- cat /etc/hostname >/dev/null
"$kcovtool" trace -o ls.kcov -- ls / >/dev/null
"$kcovtool" trace -o sh.kcov -- sh -c 'echo $(true)' >/dev/null
expect_status 0 "$kcovtool" merge -o all.kcov cat.kcov ls.kcov sh.kcov
expect_in out "3 runs, "

# What is in it is what is in them.
for one in cat ls sh; do "$kcovtool" export --format rawcover $one.kcov; done | sort -u >expected
"$kcovtool" export --format rawcover all.kcov | sort | cmp - expected || fail "other PCs than those of the three"
"$kcovtool" export --format jsonl all.kcov >all.jsonl
for one in cat ls sh; do "$kcovtool" export --format jsonl $one.kcov; done >three.jsonl
python3 - <<'PYTHON' || fail "other hits, names, calls or runs than in the three"
import collections, json
hits, calls, runs, names = collections.Counter(), collections.defaultdict(set), collections.Counter(), {}
for line in open("three.jsonl"):
    one = json.loads(line)
    hits[one["pc"]] += one["hits"]
    calls[one["pc"]] |= set(one["calls"])
    runs[one["pc"]] += one["runs"]
    names[one["pc"]] = one["frames"]
merged = [json.loads(line) for line in open("all.jsonl")]
assert len(merged) == len(hits)
for one in merged:
    pc = one["pc"]
    assert one["hits"] == hits[pc] and set(one["calls"]) == calls[pc], one
    assert one["runs"] == runs[pc] and one["frames"] == names[pc], one
PYTHON

# In whatever order and in however many steps.
"$kcovtool" merge -o two.kcov ls.kcov sh.kcov >/dev/null
printf 'two.kcov\ncat.kcov\n' | "$kcovtool" merge --files-from - -o steps.kcov >/dev/null
for format in lcov rawcover; do
  "$kcovtool" export --format $format all.kcov >one
  "$kcovtool" export --format $format steps.kcov | cmp - one || fail "merged in steps, $format is another"
done

# One that was broken off has its names looked up.
python3 - <<'PYTHON'
import sqlite3
database = sqlite3.connect("cat.kcov")
for table in "locations", "frames", "entries": database.execute(f"DELETE FROM {table}")
database.execute("DELETE FROM recording WHERE key IN ('status', 'unnamed')")
database.commit()
PYTHON
expect_status 0 "$kcovtool" merge -o again.kcov cat.kcov ls.kcov sh.kcov
expect_in err "cat.kcov was broken off"
"$kcovtool" export --format lcov all.kcov >one
"$kcovtool" export --format lcov again.kcov | cmp - one || fail "of the one that was broken off other lines are known"

# What cannot be.
expect_status 125 "$kcovtool" merge -o no.kcov ls.kcov /etc/passwd
expect_in err "cannot read the recording /etc/passwd: it is no recording"
expect_status 2 "$kcovtool" merge -o no.kcov
expect_in err "cannot merge: no recording is named"
expect_status 2 "$kcovtool" merge ls.kcov
expect_status 125 "$kcovtool" merge -o /no/such/file ls.kcov
expect_status 125 "$kcovtool" show all.kcov
expect_in err "it is merged of several runs; report, export, diff and merge read it"
"$kcovtool" trace --stock -o stock.kcov -- true
expect_status 125 "$kcovtool" merge -o no.kcov ls.kcov stock.kcov
expect_in err "cannot put ls.kcov and stock.kcov together: they are of different kernels"
[ ! -e no.kcov ] && [ ! -e no.kcov.new ] || fail "something half-written stays"
