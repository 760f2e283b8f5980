// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Search by function and by file. The functions are loaded when the field is first entered.
'use strict';

(() => {
  const {make} = kcov;
  const kMost = 60;
  const query = document.getElementById('query');
  const results = document.getElementById('results');
  let names = null;    // in lower case
  let all = null;      // as they were loaded
  let found = [];      // {name, file, line, covered, points}
  let current = -1;

  // Of a name that has all words: the better the lower; -1: it has not.
  function rank(name, words) {
    for (const word of words) if (!name.includes(word)) return -1;
    const at = name.indexOf(words[0]);
    if (name === words[0]) return 0;
    if (at === 0) return 1;
    return /[_/.-]/.test(name[at - 1]) ? 2 : 3;
  }

  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const hits = [];
    names?.forEach((name, i) => {
      const order = rank(name, words);
      if (order >= 0) hits.push({order, length: name.length, name: all.names[i], at: i * 4});
    });
    for (const file of kcov.files) {
      const path = file.path.toLowerCase();
      const order = rank(path, words);
      if (order < 0) continue;
      const base = rank(file.name.toLowerCase(), words);
      hits.push({order: base >= 0 ? base : order, length: path.length, name: file.path, file});
    }
    // Of equals the covered first: what was reached is what one looks for.
    const covered = (hit) => (hit.file ? hit.file.covered : all.numbers[hit.at + 2]);
    hits.sort((a, b) => a.order - b.order || a.length - b.length ||
      Number(covered(b) > 0) - Number(covered(a) > 0) || (a.name < b.name ? -1 : 1));
    const shown = hits.slice(0, kMost).map((hit) => {
      if (hit.file) return {name: hit.name, file: hit.file, covered: hit.file.covered, points: hit.file.points};
      const [file, line, reached, points] = all.numbers.slice(hit.at, hit.at + 4);
      return {name: hit.name, file: kcov.files[file], line, covered: reached, points};
    });
    shown.left = hits.length - shown.length;
    return shown;
  }

  function makeName(name, words) {
    const element = make('span', 'found');
    const at = name.toLowerCase().indexOf(words[0]);
    element.append(kcov.visible(name.slice(0, at)),
      make('b', '', kcov.visible(name.slice(at, at + words[0].length))),
      kcov.visible(name.slice(at + words[0].length)));
    return element;
  }

  function close() {
    results.hidden = true;
    query.ariaExpanded = 'false';
    query.removeAttribute('aria-activedescendant');
  }
  function select(index) {
    results.children[current]?.setAttribute('aria-selected', 'false');
    current = index;
    const element = results.children[current];
    if (!element) return;
    element.setAttribute('aria-selected', 'true');
    element.scrollIntoView({block: 'nearest'});
    query.setAttribute('aria-activedescendant', element.id);
  }
  function open(index) {
    const hit = found[index];
    if (!hit) return;
    close();
    query.blur();
    location.hash = kcov.addressOf(hit.file.path, hit.line);
  }

  function fill() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = find(query.value);
    results.replaceChildren(...found.map((hit, i) => {
      const row = make('div', hit.covered === 0 ? 'result unreached' : 'result',
        makeName(hit.name, words),
        make('span', 'muted', hit.line ? `${kcov.visible(hit.file.path)}:${hit.line}` : 'file'),
        make('span', 'number', kcov.pointsKnown ? `${hit.covered}/${hit.points}` : String(hit.covered)));
      row.setAttribute('role', 'option');
      row.id = `result-${i}`;
      // Before the field loses the focus.
      row.onmousedown = (event) => {
        event.preventDefault();
        open(i);
      };
      return row;
    }));
    if (words.length !== 0 && found.length === 0)
      results.append(make('div', 'message', names ? 'Nothing has this name.' : 'Loading the functions…'));
    else if (found.left > 0)
      results.append(make('div', 'message', `${kcov.number(found.left)} more: say more of the name`));
    results.hidden = words.length === 0;
    query.ariaExpanded = String(!results.hidden);
    current = -1;
    select(0);
  }

  query.onfocus = async () => {
    if (query.value) fill();
    if (names) return;
    all = await kcov.load('functions');
    names = all.names.map((name) => name.toLowerCase());
    if (document.activeElement === query) fill();
  };
  query.oninput = fill;
  query.onblur = close;
  query.onkeydown = (event) => {
    switch (event.key) {
      case 'ArrowDown': select(Math.min(current + 1, found.length - 1)); break;
      case 'ArrowUp': select(Math.max(current - 1, 0)); break;
      case 'Enter': open(current); break;
      case 'Escape':
        close();
        query.blur();
        kcov.focusView();
        break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
})();
