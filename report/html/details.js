// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Who reached a line: system calls, page faults and signals; runs, and their tasks.
'use strict';

(() => {
  const {make} = kcov;
  const kTasks = 12;  // of a run, before the rest is folded away
  const kinds = [
    ['system call', 'System calls'], ['page fault', 'Page faults'], ['trap', 'Traps'],
    ['signal', 'Signals'], ['other', 'Other'], ['tracer', 'Tracer'],
  ];

  // [first, last, first, last] as numbers.
  function expand(ranges) {
    const all = [];
    for (let i = 0; i < ranges.length; i += 2)
      for (let n = ranges[i]; n <= ranges[i + 1]; ++n) all.push(n);
    return all;
  }

  function makeCalls(numbers, calls) {
    const found = [];
    for (const [kind, title] of kinds) {
      const names = numbers.map((n) => calls[n]).filter((call) => call[1] === kind);
      if (names.length === 0) continue;
      const list = make('ul', 'chips');
      for (const [name] of names) list.append(make('li', '', kcov.visible(name)));
      found.push(make('h3', '', title, make('span', 'muted', ` ${names.length}`)), list);
    }
    return found;
  }

  function makeTask([id, , program]) {
    return make('li', '', make('span', 'muted', `${id} `), kcov.visible(program) || '(no exec of its own)');
  }
  function makeRuns(numbers, runs) {
    const found = [];
    let first = 0;  // number of the run's first task
    let reaching = 0;
    for (const run of runs) {
      const next = first + run.tasks.length;
      const own = numbers.filter((n) => n >= first && n < next).map((n) => run.tasks[n - first]);
      first = next;
      if (own.length === 0) continue;
      ++reaching;
      const tasks = make('ul', 'tasks', ...own.slice(0, kTasks).map(makeTask));
      const parts = [make('p', 'run', kcov.visible(run.name),
        make('span', 'muted', ` ${own.length} of ${kcov.some(run.tasks.length, 'task', 'tasks')}`)), tasks];
      if (own.length > kTasks) {
        const more = make('ul', 'tasks', ...own.slice(kTasks).map(makeTask));
        parts.push(make('details', '', make('summary', '', `${own.length - kTasks} more`), more));
      }
      found.push(...parts);
    }
    return [make('h3', '', 'Runs', make('span', 'muted', ` ${reaching} of ${runs.length}`)), ...found];
  }

  let wanted = null;
  // `line` is null: none is selected yet.
  kcov.details = async (section, data, line, kind) => {
    wanted = line;
    if (!line) {
      section.replaceChildren(make('p', 'muted', 'Select a line to see who reached it.'));
      return;
    }
    const head = [make('h2', '', `Line ${line.number}`, make('span', `kind ${line.kind}`, kind))];
    if (line.at === undefined) {
      section.replaceChildren(...head);
      return;
    }
    const [covered, points, hits, calls, tasks] = data.lines.slice(line.at + 1, line.at + 6);
    head.push(make('p', 'muted',
      (kcov.pointsKnown ? `${covered} of ${kcov.some(points, 'point', 'points')}` : kcov.some(covered, 'point', 'points')) +
        (covered === 0 ? '' : `, ${kcov.some(hits, 'hit', 'hits')}`)));
    if (covered === 0) {
      section.replaceChildren(...head);
      return;
    }
    const {runs, calls: names} = await kcov.load('runs');
    if (wanted !== line) return;
    section.replaceChildren(...head, ...makeCalls(expand(data.calls[calls]), names),
      ...makeRuns(expand(data.tasks[tasks]), runs));
  };
})();
