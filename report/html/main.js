// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Addresses, keys, the totals, light and dark.
//
//   #files  #files:fs/ext4      #map  #map:fs      #runs      #file:fs/open.c:123
'use strict';

(() => {
  const {make} = kcov;
  const view = document.getElementById('view');
  const keys = document.getElementById('keys');
  let current = null;

  function decode(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  async function route() {
    const [, name, rest] = /^#?([a-z]*):?(.*)$/s.exec(location.hash) ?? [];
    const [, path, line] = name === 'file' ? /^(.*?)(?::(\d+))?$/s.exec(rest) : [null, rest];
    const shown = Object.hasOwn(kcov.views, name) ? name : 'files';
    current = kcov.views[shown];
    document.body.dataset.view = shown;
    for (const link of document.querySelectorAll('header nav a'))
      if (link.dataset.view === (shown === 'file' ? 'files' : shown)) link.ariaCurrent = 'page';
      else link.removeAttribute('aria-current');
    try {
      await current.show(decode(path), line ? Number(line) : undefined);
    } catch (error) {
      view.replaceChildren(make('p', 'message trouble', error.message));
    }
  }

  kcov.focusView = () => view.querySelector('[tabindex="0"]')?.focus({preventScroll: true});

  // Light and dark: as the system is, unless one was chosen here.
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const themes = ['system', 'light', 'dark'];
  const icons = {system: '◐', light: '☀', dark: '☾'};
  let theme = 'system';
  try {
    theme = localStorage.getItem('kcov-theme') ?? theme;
  } catch {
    // Some browsers keep nothing for files.
  }
  function applyTheme() {
    if (!themes.includes(theme)) theme = 'system';
    const isDark = theme === 'system' ? system.matches : theme === 'dark';
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
    const button = document.getElementById('theme');
    button.textContent = icons[theme];
    button.title = button.ariaLabel = `Colours: ${theme} (t)`;
  }
  function nextTheme() {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try {
      localStorage.setItem('kcov-theme', theme);
    } catch {
      // It holds until the page is closed.
    }
    applyTheme();
  }
  applyTheme();
  system.onchange = applyTheme;
  document.getElementById('theme').onclick = nextTheme;
  document.getElementById('help').onclick = () => keys.showModal();

  document.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.target.matches?.('input[type=text]')) return;
    const views = {1: '#files', 2: '#map', 3: '#runs'};
    if (event.key === '/') document.getElementById('query').select();
    else if (event.key === '?') keys.showModal();
    else if (event.key === 't') nextTheme();
    else if (views[event.key]) location.hash = views[event.key];
    else if (event.target.closest?.('a, button, summary, input') && [' ', 'Enter'].includes(event.key)) return;
    else if (!current?.key(event)) return;
    event.preventDefault();
  };

  // "12 of 34 functions", and the number alone where there is no whole.
  function share([covered, all], name) {
    const of = kcov.pointsKnown ? ` of ${kcov.number(all)}` : '';
    return make('span', 'total', make('b', '', kcov.number(covered)), `${of} ${name}`);
  }
  function makeTotals(index) {
    const [covered, points] = index.points;
    const totals = make('div', 'totals');
    if (kcov.pointsKnown)
      totals.append(make('b', 'whole', kcov.percent(covered, points)), kcov.bar(covered, points));
    totals.append(share(index.points, 'points'), share(index.functions, 'functions'),
      share(index.lines, 'lines'), share(index.files, 'files'));
    const about = [kcov.some(index.runs, 'run', 'runs'), kcov.some(index.tasks, 'task', 'tasks')];
    if (index.release) about.push(`Linux ${index.release}`);
    if (index.machine) about.push(`on ${index.machine}`);
    const from = make('span', 'muted', kcov.visible(about.join(' · ')));
    if (index.buildId) from.title = `build-id ${index.buildId}`;
    totals.append(from);
    return totals;
  }
  function makeTroubles(index) {
    const troubles = [];
    if (index.unnamed) troubles.push(`There are no names: ${index.unnamed}`);
    if (!kcov.pointsKnown)
      troubles.push('How many points the kernel has is not known without its image: only what was reached is shown.');
    if (index.brokenOff)
      troubles.push(`${kcov.some(index.brokenOff, 'run was', 'runs were')} broken off: what was recorded until then is here.`);
    if (index.cutOff)
      troubles.push(`In ${kcov.some(index.cutOff, 'run', 'runs')} buffers were full: records are missing.`);
    if (index.nowhere[1])
      troubles.push(`${kcov.some(index.nowhere[1], 'point is', 'points are')} in no known file (${kcov.number(index.nowhere[0])} reached): counted above, and in no list.`);
    if (index.tails)
      troubles.push(`${kcov.some(index.tails, 'recorded PC says', 'recorded PCs say')} that a function ended with a jump to kcov's callback, but not at which of its points: not counted.`);
    const made = troubles.map((text) => make('li', '', kcov.visible(text)));
    if (index.strays.count) {
      const pcs = make('ul', 'strays', ...index.strays.pcs.map(([pc, symbol, hits]) =>
        make('li', '', `${pc} ${kcov.visible(symbol)} `, make('span', 'muted', kcov.some(hits, 'hit', 'hits')))));
      if (index.strays.count > index.strays.pcs.length)
        pcs.append(make('li', 'muted', `and ${kcov.number(index.strays.count - index.strays.pcs.length)} more`));
      made.push(make('li', '', make('details', '',
        make('summary', '', `${kcov.some(index.strays.count, 'recorded PC is', 'recorded PCs are')} no point of this kernel: of a module’s initialization, which is gone, or of a buffer that something else wrote to. Not counted.`),
        pcs)));
    }
    return made.length === 0 ? [] : [make('ul', 'troubles', ...made)];
  }

  kcov.load('index').then((index) => {
    kcov.pointsKnown = index.pointsKnown;
    document.body.classList.toggle('unknown', !index.pointsKnown);
    kcov.root = kcov.plant(index.tree, null);
    const title = kcov.visible(index.title);
    document.title = `${title} – kernel coverage`;
    document.getElementById('title').textContent = title;
    document.getElementById('title').title = title;
    document.getElementById('summary').append(makeTotals(index), ...makeTroubles(index));
    window.onhashchange = route;
    window.onresize = () => current?.resize?.();
    return route();
  }).catch((error) => view.replaceChildren(make('p', 'message trouble', error.message)));
})();
