#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# kcovtool report: what is written, and that it works in a real browser. KCOV_SCREENSHOTS names a
# directory for pictures of it.
. "$(dirname "$0")/common.sh"
cd "$scratch"

"$kcovtool" trace -o run.kcov -- sh -c 'ls -l /etc | grep a | awk "{ print NF }" >/dev/null; mkdir /tmp/a-directory; rm -r /tmp/a-directory; cat /etc/passwd >/dev/null' || fail "status $?"
"$kcovtool" trace -o other.kcov -- uname >/dev/null

# Source of our own making: text that is no text, a long file, one that is too short.
mkdir -p source/fs source/mm
python3 - <<'EOF'
with open("source/fs/open.c", "wb") as file:
    for line in range(1, 2001):
        file.write(b"\tif (</script><img src=x onerror=owned=1> && \"%d\") \xff \xe2\x80\xa8 \x01\r\n" % line)
with open("source/mm/memory.c", "w") as file:
    for line in range(1, 15001):
        file.write(f"\treturn handle_that_fault(vma, address, flags | {line}); /* and more */\n")
open("source/fs/namei.c", "w").write("too short\n")
EOF

expect_status 0 "$kcovtool" report -o report --source-dir source run.kcov other.kcov
expect_in out "report/index.html: " " points covered, "
[ ! -s err ] || fail "report has something to say: $(cat err)"
[ "$(ls)" = "$(printf '%s\n' err other.kcov out report run.kcov source)" ] || fail "there is more than the report: $(ls)"
# What it counts is what is recorded, and what the exports count.
cat >totals.py <<'EOF'
import json, pathlib, sys
def data(name):
    text = pathlib.Path(sys.argv[1], "data", name + ".js").read_text()
    return json.loads(text[text.index(",") + 1:text.rindex(")")])
index = data("index")
lines = sum(1 for n in range(index["files"][1]) for covered in data(str(n))["lines"][1::6] if covered)
assert lines == index["lines"][0], (lines, index["lines"])
print(index["points"][0], index["lines"][0], index["files"][0], index["tails"], index["strays"]["count"], index["points"][1])
EOF
python3 totals.py report >totals
"$kcovtool" report -o alone run.kcov >out
python3 totals.py alone >totals.alone
read -r covered _ _ tails strays points <totals.alone
pcs=$("$kcovtool" export --format jsonl run.kcov | wc -l)
[ $((covered + tails)) = "$pcs" ] || fail "$covered points and $tails ends of functions of $pcs PCs"
[ "$strays" = 0 ] || fail "$strays of $pcs PCs are nothing"
[ "$points" -gt $((covered * 2)) ] || fail "there are $points points, of which $covered are covered"
grep -q "newer than the kernel" report/data/*.js || fail "nothing is said of newer source"
grep -q "It is not in the source directory" report/data/*.js || fail "nothing is said of source that is not there"
grep -q "it has 1 lines, and there is code on" report/data/*.js || fail "nothing is said of source that has changed"

# The first page is small: what index.html names, and the one script that these load at once.
first=$(cat report/index.html report/*.js report/report.css report/data/index.js | wc -c)
[ "$first" -le $((2 << 20)) ] || fail "the first page has $first bytes"

# Without the kernel: the recording's names, and no percentages.
KCOVTOOL_CACHE=$scratch/none "$kcovtool" report -o bare run.kcov >out
expect_in out "how many there are is not known without the kernel's image"
grep -qF '"pointsKnown":false' bare/data/index.js || fail "there are points without an image"
exported=$("$kcovtool" export --format codecov run.kcov | python3 -c '
import json, sys
files = json.load(sys.stdin)["coverage"]
print(sum(map(len, files.values())), len(files))')
[ "$(python3 totals.py bare | cut -d' ' -f1-3)" = "$pcs $exported" ] || fail "PCs, lines, files: $(python3 totals.py bare), exported $pcs $exported"

# A recorded PC that is no point is named and does not count.
python3 - <<'EOF'
import shutil, sqlite3, struct, subprocess
shutil.copy("run.kcov", "stray.kcov")
db = sqlite3.connect("stray.kcov")
number, = db.execute("SELECT pc FROM frames WHERE function = 'do_sys_openat2'").fetchone()
first, data = db.execute("SELECT first, data FROM pcs WHERE first <= ? ORDER BY first DESC", (number,)).fetchone()
pcs = bytearray(subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout)
at = 8 * (number - first)
pcs[at:at + 8] = struct.pack("<Q", 0xdeadbeef)
data = subprocess.run(["zstd", "-c", f"--stream-size={len(pcs)}"], input=pcs, stdout=subprocess.PIPE, check=True).stdout
db.execute("UPDATE pcs SET data = ? WHERE first = ?", (data, first))
db.commit()
EOF
"$kcovtool" report -o stray stray.kcov >out
grep -qF '"strays":{"count":1,"pcs":[["0xdeadbeef",' stray/data/index.js || fail "a PC that is none is not named"
[ "$(python3 totals.py stray | cut -d' ' -f1)" = $((covered - 1)) ] || fail "it counts"

# Refusals; each leaves what is there.
mkdir mine && echo "three years" >mine/thesis.txt
expect_status 125 "$kcovtool" report -o mine run.kcov
expect_in err "cannot write the report " "/mine: there are other files in that directory; name a new one"
expect_status 125 "$kcovtool" report -o /proc/none run.kcov
expect_status 125 "$kcovtool" report -o new /etc/passwd
expect_in err "cannot read the recording /etc/passwd: it is no recording"
[ ! -e new ] && [ ! -e new.partial ] || fail "a report that failed left something"
expect_status 2 "$kcovtool" report -o . run.kcov
expect_in err "cannot write a report into the working directory"
expect_status 2 "$kcovtool" report -o new --source-dir /nonexistent run.kcov
expect_in err "cannot take the source from /nonexistent: it is no directory"
expect_status 2 "$kcovtool" report
expect_status 2 "$kcovtool" report -o '' run.kcov
"$kcovtool" trace --stock -o stock.kcov -- true
expect_status 125 "$kcovtool" report -o new run.kcov stock.kcov
expect_in err "they are of different kernels"
status=0
(ulimit -f 100 && "$kcovtool" report -o new run.kcov 2>small.err) || status=$?
[ $status = 125 ] || fail "status $status where the report did not fit"
expect_in small.err "cannot write the report " "File too large"
[ ! -e new ] && [ ! -e new.partial ] || fail "a report that did not fit left something"
# Killed, the old one stays, and the next takes away what is left.
"$kcovtool" report -o report --source-dir source run.kcov >/dev/null &
tool=$!
for _ in $(seq 500); do [ ! -e report.partial ] || break; sleep 0.01; done
kill -KILL $tool
wait $tool || true
python3 totals.py report | cmp - totals || fail "the old report is not there any more"
expect_status 0 "$kcovtool" report -o report --source-dir source run.kcov other.kcov
[ ! -e report.partial ] || fail "remains of a killed one"

# In a browser.
[ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] && /usr/bin/python3 -c 'import selenium' 2>/dev/null ||
  skip "there is no browser (chromium, chromium-driver, python3-selenium)"
cp run.kcov '<img src=x onerror=owned=1>.kcov'
python3 - <<'EOF'
import sqlite3
db = sqlite3.connect("<img src=x onerror=owned=1>.kcov")
evil = "\"'</script><script>owned=1</script><img src=x onerror=owned=1>\u2028\u202e\n\x01"
db.execute("UPDATE recording SET value = ? WHERE key = 'command'", ((evil + "\0").encode() * 2,))
db.execute("UPDATE recording SET value = ? WHERE key IN ('machine')", (evil,))
db.execute("UPDATE frames SET function = function || ?, file = '__proto__/' || ? || file", (evil, evil))
db.execute("UPDATE programs SET arguments = ?", ((evil + "\0").encode(),))
db.execute("UPDATE entries SET name = name || ? WHERE kind = 'system call'", (evil,))
db.commit()
EOF
KCOVTOOL_CACHE=$scratch/none "$kcovtool" report -o hostile --title '<img src=x onerror=owned=1></title>' '<img src=x onerror=owned=1>.kcov' >/dev/null
timeout 120 /usr/bin/python3 "$here/report_browser.py" report hostile ${KCOV_SCREENSHOTS:+"$KCOV_SCREENSHOTS"} || fail "in the browser"
