// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The tree of directories and files. Rows are made for what is unfolded.
'use strict';

(() => {
  const {make} = kcov;
  const columns = [
    {title: 'Name', value: (node) => node.name, name: 'name'},
    {title: 'Covered', value: (node) => (node.points ? node.covered / node.points : 0), name: 'share'},
    {title: 'Points', value: (node) => node.covered, name: 'count'},
    {title: 'Of', value: (node) => node.points, name: 'of'},
  ];
  const order = {column: 0, down: false};
  let reachedOnly = false;
  let rows = [];  // {node, level, element}
  let current = 0;
  let body = null;

  // A directory in which there is but one other is shown with it, in one row.
  function innermost(node) {
    while (!node.isFile && node.files.length === 0 && node.directories.length === 1)
      node = node.directories[0];
    return node;
  }
  function inOrder(nodes) {
    const {value} = columns[order.column];
    const sign = order.down ? -1 : 1;
    return nodes
      .filter((node) => !reachedOnly || node.covered !== 0)
      .sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x !== y) return x < y ? -sign : sign;
        return a.name < b.name ? -1 : 1;
      });
  }
  function collect(directory, level, found) {
    for (const outer of [...inOrder(directory.directories), ...inOrder(directory.files)]) {
      const node = innermost(outer);
      const label = outer === node ? node.name
        : node.path.slice(outer.path.length - outer.name.length);
      found.push({node, level, label: label || '/'});
      if (!node.isFile && node.isOpen) collect(node, level + 1, found);
    }
    return found;
  }

  function makeRow(row) {
    const {node, level} = row;
    const fold = make('span', 'fold', node.isFile ? '' : node.isOpen ? '▾' : '▸');
    const label = make('span', 'label', kcov.visible(row.label));
    const name = make('span', 'name', fold, label);
    name.style.paddingInlineStart = `${level * 1.25}em`;
    const element = make('div', node.isFile ? 'row file' : 'row directory', name,
      make('span', 'share', kcov.bar(node.covered, node.points),
        make('span', 'percent', kcov.percent(node.covered, node.points))),
      make('span', 'count', kcov.number(node.covered)),
      make('span', 'of', kcov.number(node.points)));
    if (node.covered === 0) element.classList.add('unreached');
    element.setAttribute('role', 'row');
    element.ariaLevel = level + 1;
    if (!node.isFile) element.ariaExpanded = Boolean(node.isOpen);
    for (const cell of element.children) cell.setAttribute('role', 'gridcell');
    element.dataset.path = node.path;
    return element;
  }

  function select(index, isQuiet) {
    rows[current]?.element.classList.remove('current');
    current = Math.max(0, Math.min(index, rows.length - 1));
    const row = rows[current];
    if (!row) return;
    row.element.classList.add('current');
    row.element.id = 'current-row';
    for (const {element} of rows) if (element !== row.element && element.id) element.removeAttribute('id');
    body.setAttribute('aria-activedescendant', 'current-row');
    if (!isQuiet) row.element.scrollIntoView({block: 'nearest'});
  }

  function fill(selected) {
    rows = collect(kcov.root, 0, []);
    for (const row of rows) row.element = makeRow(row);
    body.replaceChildren(...rows.map((row) => row.element));
    if (rows.length === 0) body.append(make('p', 'message', 'Nothing was reached in any file.'));
    current = 0;
    select(selected ? rows.findIndex((row) => row.node === selected) : 0, !selected);
  }

  function open(node) {
    if (node.isFile) {
      location.hash = kcov.addressOf(node.path);
      return;
    }
    node.isOpen = !node.isOpen;
    fill(node);
  }
  function openAll(node) {
    if (node.isFile) return;
    node.isOpen = true;
    node.directories.forEach(openAll);
  }

  function makeHead() {
    const head = make('div', 'row head');
    head.setAttribute('role', 'row');
    columns.forEach((column, i) => {
      const button = make('button', column.name, column.title);
      button.type = 'button';
      button.onclick = () => {
        order.down = order.column === i ? !order.down : i !== 0;
        order.column = i;
        kcov.views.files.show(rows[current]?.node.path ?? '');
      };
      const cell = make('span', column.name, button);
      cell.setAttribute('role', 'columnheader');
      if (i === order.column) cell.ariaSort = order.down ? 'descending' : 'ascending';
      head.append(cell);
    });
    return head;
  }

  kcov.views.files = {
    // `path`: of what is to be seen and selected.
    show(path) {
      const view = document.getElementById('view');
      body = make('div', 'tree');
      body.setAttribute('role', 'treegrid');
      body.ariaLabel = 'Files';
      body.tabIndex = 0;
      body.onclick = (event) => {
        const index = rows.findIndex((row) => row.element.contains(event.target));
        if (index < 0) return;
        select(index);
        open(rows[index].node);
      };
      const only = make('input', '');
      only.type = 'checkbox';
      only.checked = reachedOnly;
      only.onchange = () => {
        reachedOnly = only.checked;
        fill(rows[current]?.node);
      };
      view.replaceChildren(
        make('div', 'tools', make('label', '', only, ' only what was reached')),
        make('div', 'sheet', makeHead(), body));
      const selected = kcov.paths.get(path) ?? kcov.directories.get(path);
      for (let node = selected?.parent; node; node = node.parent) node.isOpen = true;
      if (selected?.isFile) reachedOnly &&= selected.covered !== 0;
      only.checked = reachedOnly;
      fill(selected && selected.parent ? innermost(selected) : undefined);
      body.focus({preventScroll: true});
    },
    key(event) {
      const node = rows[current]?.node;
      const to = kcov.move(event, current, rows.length);
      if (to >= 0) return select(to), true;
      if (event.key === 'c') {
        reachedOnly = !reachedOnly;
        this.show(node?.path ?? '');
        return true;
      }
      if (!node) return false;
      switch (event.key) {
        case 'Enter':
          if (document.activeElement?.tagName === 'BUTTON') return false;
          return open(node), true;
        case 'l':
        case 'ArrowRight':
          if (node.isFile || !node.isOpen) open(node);
          else select(current + 1);
          return true;
        case 'h':
        case 'ArrowLeft':
          if (!node.isFile && node.isOpen) open(node);
          else select(rows.findLastIndex((row, i) => i < current && row.level < rows[current].level));
          return true;
        case '*': return openAll(node), fill(node), true;
        case 'm':
          location.hash = '#map:' + kcov.encode(node.isFile ? node.parent.path : node.path);
          return true;
        default: return false;
      }
    },
  };
})();
