# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A report in a real browser, for report_test.sh: each check says what it expected.
#   usage: report_browser.py REPORT HOSTILE_REPORT [DIRECTORY_FOR_SCREENSHOTS]
import pathlib
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

report, hostile = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
shots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None

options = webdriver.ChromeOptions()
options.binary_location = "/usr/bin/chromium"
for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--window-size=1400,900"):
    options.add_argument(argument)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def check(truth, expected):
    if not truth:
        if shots:
            browser.save_screenshot(str(shots / "failed.png"))
        sys.exit(f"FAILED: expected {expected}; at {browser.current_url}")


def shot(name):
    if shots:
        browser.save_screenshot(str(shots / f"{name}.png"))


def run(script, *arguments):
    return browser.execute_script(script, *arguments)


def until(what, expected, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    check(False, expected)


def find(selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def text(selector):
    return run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


# To whatever has the focus when the key arrives: an element asked for before may be gone by then,
# with the view that it was part of.
def press(*keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def open_report(directory, address=""):
    browser.get("about:blank")
    browser.get(directory.joinpath("index.html").as_uri() + address)
    until(lambda: run("return document.getElementById('view').childElementCount"), "a view")


def no_complaints(where):
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    check(not complaints, f"no word from the browser about {where}, not {complaints[:3]}")


# Milliseconds from asking for a file until its page has been painted.
def opening_time(path):
    return browser.execute_async_script("""
        const [path, done] = arguments;
        const begin = performance.now();
        location.hash = kcov.addressOf(path);
        const wait = () => {
          if (document.querySelector('.source') && text() === path.split('/').at(-1))
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
          else requestAnimationFrame(wait);
        };
        const text = () => document.querySelector('.pair') ? document.querySelector('.way')?.lastElementChild?.textContent : '';
        wait();""", path)


# Where the line that is selected stands in the file.
def selected():
    return run("return Number(document.querySelector('.line.current .no')?.textContent)")


# The first page: totals, and the tree by keyboard.
open_report(report)
check("points" in text(".totals") and "%" in text(".totals .whole"), "totals of points")
shot("tree")
rows = len(find(".tree .row"))
check(rows > 3, "directories at the top")
first = run("return document.querySelector('.row.current').dataset.path")
press("j", "l")
opened = run("return document.querySelector('.row.current').dataset.path")
check(opened != first, "j to lead to the next row")
check(len(find(".tree .row")) > rows, "l to open a directory")
press("h")
check(len(find(".tree .row")) == rows, "h to close it again")
press("*")
shot("tree-open")
press("c")
check(not run("return [...document.querySelectorAll('.tree .row')].some((row) => row.classList.contains('unreached'))"),
      "only what was reached")
press("c")
find(".row.head .share button")[0].click()
check(find("[role=columnheader][aria-sort=descending]"), "a tree in the order of a column")
press("?")
check(run("return document.getElementById('keys').open"), "the keys")
shot("keys")
press(Keys.ESCAPE)
check(not run("return document.getElementById('keys').open"), "Escape to close the keys")

# Search, from the keyboard to the source page.
press("/")
for key in "do_sys_openat2":
    press(key)
until(lambda: "fs/open.c:" in text(".result[aria-selected=true]"), "do_sys_openat2 among what was found")
shot("search")
press(Keys.ENTER)
until(lambda: find(".line.current"), "a source page with a line selected")
check("#file:fs/open.c:" in browser.current_url, "the address of fs/open.c")
until(lambda: not run("return document.querySelector('.block:empty')"), "all lines")
kinds = run("""return [...document.querySelectorAll('.line')].reduce((sum, line) => {
    const kind = ['covered', 'partly', 'missed'].find((name) => line.classList.contains(name)) ?? 'none';
    sum[kind] = (sum[kind] ?? 0) + 1;
    return sum;
  }, {})""")
for kind in ("covered", "partly", "missed", "none"):
    check(kinds.get(kind, 0) > 0, f"lines of fs/open.c that are {kind}, in {kinds}")
check(run("""return [...document.querySelectorAll('.line.partly .points')].every((cell) => {
    const [covered, points] = cell.textContent.split('/').map(Number);
    return covered > 0 && covered < points;
  })"""), "some but not all points on each line that is partly covered")
shot("source")

# The keys of a source page, and who reached a line.
before = selected()
press("]")
after = selected()
check(after > before, f"] to lead to covered code, from line {before} to {after}")
press("j")
check(selected() == after + 1, "j to lead to the next line")
press("k", "n")
check("not covered" in text("#details") or "partly" in text("#details"), "n to lead to what is not covered")
line = run("""const line = [...document.querySelectorAll('.line.covered')].find(
    (each) => Number(each.firstChild.textContent) >= arguments[0]);
  line.scrollIntoView({block: 'center'}); return line""", before)
line.click()
until(lambda: "openat" in text("#details .chips"), "openat among who reached a line")
check("sh -c" in text("#details .tasks") or "ls" in text("#details .tasks"), "tasks that reached it")
check(run("return document.querySelector('#details .kind').textContent") == "covered", "its class")
number = selected()
until(lambda: browser.current_url.endswith(f"#file:fs/open.c:{number}"), "the line in the address")
shot("details")
no_complaints("the source page")
until(lambda: find("aside tbody tr"), "functions")
columns = run("return document.querySelectorAll('aside th').length")
check(columns == 5, "five columns of functions")
find("aside th:last-child button")[0].click()
hits = run("return [...document.querySelectorAll('aside tbody tr')].map((row) => row.firstChild.innerText)")
check(find("aside th[aria-sort=descending]") and len(hits) > 5, "functions by their hits")
press(Keys.ESCAPE)
until(lambda: find(".row.current"), "Escape to lead back to the files")
check(run("return document.querySelector('.row.current').dataset.path") == "fs/open.c", "fs/open.c selected there")

# An address that was sent by mail.
open_report(report, "#file:fs/open.c:%d" % number)
until(lambda: selected() == number, "the line of the address")
open_report(report, "#file:no/such%00file:3")
check("There is no file" in text("#view"), "a word about a file that is not there")
no_complaints("addresses")

# The map.
open_report(report, "#map")
cells = until(lambda: find(".treemap .cell"), "the map")
check(len(cells) > 20, "areas")
shades = run("return new Set([...document.querySelectorAll('.treemap .cell')].map((cell) => getComputedStyle(cell).backgroundColor)).size")
check(shades > 3, "areas of several colours")
check(run("""const area = document.querySelector('.treemap').getBoundingClientRect();
  return [...document.querySelectorAll('.treemap .cell')].every((cell) => {
    const box = cell.getBoundingClientRect();
    return box.left >= area.left - 1 && box.right <= area.right + 1 &&
      box.top >= area.top - 1 && box.bottom <= area.bottom + 1;
  })"""), "areas inside of the map")
shot("map")
press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
check(find(".treemap .current") and "points" in text(".told"), "an area selected by keys")
run("location.hash = '#map:fs'")
until(lambda: text(".way").endswith("fs"), "the map of fs")
press(Keys.ESCAPE)
until(lambda: browser.current_url.endswith("#map:"), "Escape to lead out of fs")

# Runs and calls.
press("3")
until(lambda: find(".page"), "the runs")
check("openat" in text(".page") and "system call" in text(".page"), "the calls")
find(".page summary")[0].click()
until(lambda: find(".page .list .list tbody tr"), "the tasks of a run")
shot("runs")

# Light and dark: as the system is, then as one chooses.
def paper():
    return run("return getComputedStyle(document.body).backgroundColor")


light = paper()
browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                        {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
until(lambda: paper() != light, "dark where the system is")
dark = paper()
press("t")
check(paper() == light, "light where that was chosen")
press("t")
check(paper() == dark, "dark where that was chosen")
for name, address in (("dark-tree", "#files:fs/open.c"), ("dark-map", "#map"),
                      ("dark-source", f"#file:fs/open.c:{number}")):
    open_report(report, address)
    time.sleep(0.3)
    shot(name)
no_complaints("the views")

# How long a source page takes, the longest one too.
open_report(report)
longest = run("return kcov.files.reduce((a, b) => a.points > b.points ? a : b).path")
for path in ("fs/open.c", "mm/memory.c", longest):
    opening_time("fs/namei.c")
    milliseconds = opening_time(path)
    until(lambda: not run("return document.querySelector('.block:empty')"), "all lines")
    lines = run("return document.querySelectorAll('.line').length")
    print(f"{path}, {lines} lines, opens in {milliseconds:.0f} ms")
    check(milliseconds < 1000, "a source page at once")

# A recording whose every text is hostile.
open_report(hostile)
check("<img" in text("#title"), "the title as it is")
press("*")
name = run("return kcov.files.find((file) => file.path.includes('<img')).path")
check("<img" in text(".tree"), "the name of a file as it is")
opening_time(name)
press("j")
until(lambda: "<img" in text("aside"), "the name of a function as it is")
shot("hostile")
run("location.hash = '#map'")
time.sleep(0.2)
run("location.hash = '#runs'")
until(lambda: "<img" in text(".page"), "a command as it is")
press("/")
for key in "onerror":
    press(key)
until(lambda: find(".result"), "the function among what was found")
open_report(hostile, "#file:</script><script>document.title='owned'</script>")
open_report(hostile, "#constructor:x")
check(run("return document.querySelectorAll('img, iframe, object, body script').length") == 0, "no element out of a text")
check(browser.title != "owned" and not run("return window.owned"), "no script to have run")
no_complaints("hostile names")
# And if one of our own scripts were to try it, the page's policy forbids it.
check(run("""try { document.body.innerHTML = '<img src=x onerror=owned=1>'; return 'done' }
  catch (error) { return error.name }""") == "TypeError", "the policy to forbid markup out of texts")
check(run("""try { const script = document.createElement('script'); script.src = 'data/1.js'; return 'done' }
  catch (error) { return error.name }""") == "TypeError", "the policy to forbid other scripts")
browser.quit()
print("all seen")
