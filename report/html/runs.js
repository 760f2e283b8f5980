// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The runs with their tasks, and the system calls.
'use strict';

(() => {
  const {make} = kcov;

  const ending = ({status}) =>
    status === null ? 'broken off' : status > 128 ? `signal ${status - 128}` : `status ${status}`;

  function makeTasks(run) {
    return kcov.table([
      {title: 'Task', isNumber: true, value: (task) => task[0], cell: (task) => String(task[0])},
      {title: 'Process', isNumber: true, value: (task) => task[1], cell: (task) => String(task[1])},
      {title: 'Points', isNumber: true, value: (task) => task[3], cell: (task) => kcov.number(task[3])},
      {title: 'Ran', value: (task) => task[2], cell: (task) => kcov.visible(task[2])},
    ], run.tasks, {column: 0, down: false});
  }

  function makeRuns(runs) {
    const columns = [
      {title: 'Run', value: (run) => run.name, cell(run) {
        const name = make('summary', '', kcov.visible(run.name));
        const unfold = make('details', '', name);
        unfold.ontoggle = () => {
          if (unfold.open && unfold.children.length === 1) unfold.append(makeTasks(run));
        };
        return unfold;
      }},
      {title: 'Command', value: (run) => run.command, cell: (run) => make('span', 'command', kcov.visible(run.command))},
      {title: 'Ended', value: ending, cell(run) {
        const text = make('span', 'ending', ending(run));
        if (run.cutOff) text.append(make('span', 'trouble', ' records are missing'));
        return text;
      }},
      {title: 'Tasks', isNumber: true, value: (run) => run.tasks.length, cell: (run) => kcov.number(run.tasks.length)},
      {title: 'Points', isNumber: true, value: (run) => run.covered, cell: (run) => kcov.number(run.covered)},
    ];
    if (runs.length > 1)
      columns.push({title: 'Only here', isNumber: true, value: (run) => run.alone, cell: (run) => kcov.number(run.alone)});
    return kcov.table(columns, runs, {column: 0, down: false});
  }

  function makeCalls(calls) {
    const table = kcov.table([
      {title: 'Entry', value: (call) => call[0], cell: (call) => kcov.visible(call[0])},
      {title: 'Kind', value: (call) => call[1], cell: (call) => call[1]},
      {title: 'Points', isNumber: true, value: (call) => call[2], cell: (call) => kcov.number(call[2])},
    ], calls, {column: 2, down: true});
    table.classList.add('narrow');
    return table;
  }

  kcov.views.runs = {
    async show() {
      const {runs, calls} = await kcov.load('runs');
      if (!location.hash.startsWith('#runs')) return;
      const page = make('div', 'page',
        make('h2', '', 'Runs', make('span', 'muted', ` ${kcov.number(runs.length)}`)), makeRuns(runs),
        make('h2', '', 'Entries into the kernel', make('span', 'muted', ` ${kcov.number(calls.length)}`)),
        calls.length === 0 ? make('p', 'muted', 'Without names there are none to tell apart.') : makeCalls(calls));
      page.tabIndex = 0;
      document.getElementById('view').replaceChildren(page);
      page.focus({preventScroll: true});
    },
    key(event) {
      const page = document.querySelector('.page');
      const rows = [...document.querySelectorAll('.page summary')];
      if (!page || !['j', 'k'].includes(event.key) || rows.length === 0) return false;
      const at = rows.indexOf(document.activeElement);
      rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === 'j' ? 1 : -1)))].focus();
      return true;
    },
  };
})();
