// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A source file, line by line. All lines are put into the page, so that the browser's own search
// finds them: those that are looked at at once, the others while the reader reads. What is out of
// sight costs no layout (content-visibility in report.css).
'use strict';

(() => {
  const {make} = kcov;
  const kBlock = 100;  // lines that are made and laid out together
  const kHeight = 18;  // pixels of a line, as in report.css
  const kSlice = 8;    // milliseconds of work before the browser has its turn
  const kinds = {covered: 'covered', partly: 'partly covered', missed: 'not covered', none: 'no code'};
  let node = null;
  let lines = [];  // {number, text, kind, at, element}; `at`: where it is in the data
  let blocks = []; // elements, empty until their lines are made
  let byNumber = new Map();
  let data = null;
  let current = -1;
  let addressing = 0;

  function kindOf(at) {
    const covered = data.lines[at + 1];
    if (covered === 0) return 'missed';
    return covered < data.lines[at + 2] ? 'partly' : 'covered';
  }

  // Cloned for each line.
  const plain = make('div', 'line', make('span', 'no'), make('span', 'text'));
  const counted = make('div', 'line', make('span', 'no'), make('span', 'points'),
    make('span', 'hits'), make('span', 'text'));

  const lineOf = (number, text, at) =>
    ({number, text, at, kind: at === undefined ? 'none' : kindOf(at), element: null});

  function makeElement(line) {
    const {number, text, at, kind} = line;
    const element = (at === undefined ? plain : counted).cloneNode(true);
    element.firstChild.textContent = number;
    if (text !== '') element.lastChild.textContent = kcov.visible(text);
    if (at !== undefined) {
      element.classList.add(kind);
      if (kind === 'partly')
        element.children[1].textContent = `${data.lines[at + 1]}/${data.lines[at + 2]}`;
      element.children[2].textContent = kcov.short(data.lines[at + 3]);
    }
    line.element = element;
    return element;
  }
  function fill(block) {
    if (!blocks[block] || blocks[block].firstChild) return;
    blocks[block].append(...lines.slice(block * kBlock, (block + 1) * kBlock).map(makeElement));
  }
  // A screen and more around a line.
  function fillAround(index) {
    const block = Math.floor(index / kBlock);
    for (let near = block - 1; near <= block + 1; ++near) fill(near);
  }
  // The others, in turn with whatever else is to be done.
  function fillRest(begin, own) {
    const end = performance.now() + kSlice;
    let block = begin;
    while (block < own.length && performance.now() < end) fill(block++);
    if (block < own.length) setTimeout(() => own === blocks && fillRest(block, own));
  }

  // Without the source there are only the lines that have code, and the names of functions.
  function makeLines() {
    const places = new Map();
    for (let at = 0; at < data.lines.length; at += 6) places.set(data.lines[at], at);
    if (data.source === null) {
      const names = new Map();
      for (const [name, line] of data.functions)
        names.set(line, (names.has(line) ? names.get(line) + ', ' : '') + name);
      return [...places].map(([number, at]) => lineOf(number, names.get(number) ?? '', at));
    }
    const texts = data.source.split(/\r?\n/);
    if (texts.at(-1) === '') texts.pop();
    const made = texts.map((text, i) => lineOf(i + 1, text, places.get(i + 1)));
    for (const [number, at] of places)
      if (number > texts.length) made.push(lineOf(number, '', at));
    return made;
  }

  function select(index, where) {
    lines[current]?.element?.classList.remove('current');
    current = Math.max(0, Math.min(index, lines.length - 1));
    const line = lines[current];
    if (!line) return;
    fillAround(current);
    line.element.classList.add('current');
    if (where) line.element.scrollIntoView({block: where});
    kcov.details(document.getElementById('details'), data, line, kinds[line.kind]);
    // Browsers refuse to have it changed a hundred times a second.
    clearTimeout(addressing);
    const address = kcov.addressOf(node.path, line.number);
    addressing = setTimeout(() => {
      if (location.hash.startsWith('#file:')) history.replaceState(null, '', address);
    }, 120);
  }

  // The next stretch of code of which `wanted` is true, from the line on that is selected.
  function jump(step, wanted) {
    const has = (line) => line.kind !== 'none' && wanted(line.kind);
    const coded = lines.map((line, index) => ({line, index})).filter(({line}) => line.kind !== 'none');
    const starts = coded.filter(({line}, i) => has(line) && (i === 0 || !has(coded[i - 1].line)));
    const next = step > 0 ? starts.find(({index}) => index > current)
      : starts.findLast(({index}) => index < current);
    if (next) select(next.index, 'center');
  }

  function makeWay() {
    const way = make('nav', 'way');
    way.ariaLabel = 'Where this file is';
    for (let at = node; at.parent; at = at.parent) {
      const link = make('a', '', kcov.visible(at.name || '/'));
      link.href = '#files:' + kcov.encode(at.path);
      way.prepend(link, at === node ? '' : ' / ');
    }
    return way;
  }

  function makeFunctions() {
    const known = kcov.pointsKnown;
    const columns = [
      {title: 'Function', value: (f) => f[0], cell(f) {
        const link = make('a', '', kcov.visible(f[0]));
        link.href = kcov.addressOf(node.path, f[1]);
        return link;
      }},
      {title: 'Line', isNumber: true, value: (f) => f[1], cell: (f) => String(f[1])},
      {title: 'Points', isNumber: true, value: (f) => f[2],
        cell: (f) => (known ? `${f[2]}/${f[3]}` : String(f[2]))},
      {title: 'Hits', isNumber: true, value: (f) => f[4], cell: (f) => kcov.short(f[4])},
    ];
    if (known) {
      columns.splice(3, 0, {title: '%', isNumber: true, value: (f) => f[2] / f[3],
        cell: (f) => kcov.percent(f[2], f[3]).replace(' %', '')});
    }
    return kcov.table(columns, data.functions, {column: 1, down: false}, (row, f) => {
      if (f[2] === 0) row.className = 'unreached';
    });
  }

  function build(wanted) {
    lines = makeLines();
    byNumber = new Map(lines.map((line, index) => [line.number, index]));
    const text = make('div', 'source');
    text.tabIndex = 0;
    text.setAttribute('role', 'listbox');
    text.ariaLabel = 'Lines';
    blocks = [];
    for (let begin = 0; begin < lines.length; begin += kBlock) {
      const block = make('div', 'block');
      block.style.height = `${Math.min(kBlock, lines.length - begin) * kHeight}px`;
      blocks.push(block);
    }
    text.append(...blocks);
    text.onclick = (event) => {
      const element = event.target.closest?.('.line');
      const index = element ? byNumber.get(Number(element.firstChild.textContent)) : undefined;
      // Who marks text does not point at a line.
      if (index !== undefined && String(getSelection()) === '') select(index);
    };
    const about = make('div', 'tools', makeWay(),
      make('span', 'share', kcov.bar(node.covered, node.points),
        make('span', 'percent', kcov.percent(node.covered, node.points))),
      make('span', 'muted', kcov.pointsKnown
        ? `${kcov.number(node.covered)} of ${kcov.number(node.points)} points`
        : kcov.some(node.covered, 'point', 'points')));
    const trouble = data.trouble ? [make('p', 'trouble', kcov.visible(data.trouble))] : [];
    const details = make('section', '');
    details.id = 'details';
    details.ariaLabel = 'The selected line';
    details.ariaLive = 'polite';
    const aside = make('aside', '', details,
      make('h2', '', 'Functions', make('span', 'muted', ` ${kcov.number(data.functions.length)}`)));
    document.getElementById('view').replaceChildren(about, ...trouble, make('div', 'pair', text, aside));
    current = -1;
    const index = byNumber.get(wanted) ?? (wanted ? lines.findIndex((line) => line.number >= wanted) : -1);
    if (index >= 0) select(index, 'center');
    else {
      fillAround(0);
      kcov.details(details, data, null);
    }
    // What is not needed for the first look comes after it.
    const own = blocks;
    requestAnimationFrame(() => setTimeout(() => {
      if (own !== blocks) return;
      aside.append(makeFunctions());
      fillRest(0, own);
    }));
    text.focus({preventScroll: true});
  }

  kcov.views.file = {
    async show(path, line) {
      const asked = kcov.paths.get(path);
      if (!asked) throw new Error(`There is no file ${kcov.visible(path)} in this report.`);
      // Another line of the file that is open.
      if (asked === node && data && document.querySelector('.source')) {
        const index = byNumber.get(line);
        if (index !== undefined && lines[current]?.number !== line) select(index, 'center');
        return;
      }
      const was = location.hash;
      const loaded = await kcov.load(String(asked.number));
      if (location.hash !== was) return;
      [node, data] = [asked, loaded];
      build(line);
    },
    key(event) {
      const to = kcov.move(event, current, lines.length);
      if (to >= 0) return select(to, 'nearest'), true;
      switch (event.key) {
        case 'n': return jump(1, (kind) => kind !== 'covered'), true;
        case 'p': return jump(-1, (kind) => kind !== 'covered'), true;
        case ']': return jump(1, (kind) => kind !== 'missed'), true;
        case '[': return jump(-1, (kind) => kind !== 'missed'), true;
        case 'Escape':
          location.hash = '#files:' + kcov.encode(node.path);
          return true;
        default: return false;
      }
    },
  };
})();
