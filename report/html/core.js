// SPDX-License-Identifier: GPL-2.0-only OR MIT
// What all views share: making elements, loading data, the tree of files, numbers as text.
//
// Text of a traced program is only ever put into text nodes. The Content-Security-Policy holds
// the rest: no inline script, no markup out of strings (trusted types), no address but data/*.js.
'use strict';

const kcov = {
  views: {},               // by name: {show(argument), key(event)}
  files: [],               // by number
  paths: new Map(),        // files by path
  directories: new Map(),  // by path
};

// Every script in data/ calls it once.
function kcovData(name, value) {
  kcov.arrived.set(name, value);
}

(() => {
  kcov.arrived = new Map();
  const asked = new Map();
  const kKept = 24;  // files' data, which may be large
  const allowed = /^data\/[a-z0-9]+\.js$/;
  const policy = {
    createScriptURL(url) {
      if (!allowed.test(url)) throw new TypeError('no data of this report: ' + url);
      return url;
    },
  };
  const urls = window.trustedTypes ? window.trustedTypes.createPolicy('kcov', policy) : policy;

  // The value that data/NAME.js hands over.
  kcov.load = (name) => {
    if (asked.has(name)) return asked.get(name);
    const loading = new Promise((resolve, reject) => {
      const script = document.createElement('script');
      const fail = () => {
        asked.delete(name);
        reject(new Error(`data/${name}.js cannot be read. Is the report's directory whole?`));
      };
      script.onload = () => {
        script.remove();
        if (!kcov.arrived.has(name)) return fail();
        resolve(kcov.arrived.get(name));
        kcov.arrived.delete(name);
      };
      script.onerror = () => {
        script.remove();
        fail();
      };
      script.src = urls.createScriptURL(`data/${name}.js`);
      document.head.append(script);
    });
    asked.set(name, loading);
    const files = [...asked.keys()].filter((key) => /^\d+$/.test(key));
    if (files.length > kKept) asked.delete(files[0]);
    return loading;
  };

  // Texts among the children become text nodes.
  kcov.make = (tag, classes, ...children) => {
    const element = document.createElement(tag);
    if (classes) element.className = classes;
    element.append(...children);
    return element;
  };

  // Characters that do not show themselves, or turn the direction of what follows.
  const hidden = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  const hasHidden = new RegExp(hidden.source);
  kcov.visible = (text) => {
    if (!hasHidden.test(text)) return text;
    return text.replace(hidden, (character) => {
      const code = character.charCodeAt(0).toString(16).toUpperCase();
      return `\u27e8U+${code.padStart(4, '0')}\u27e9`;
    });
  };

  kcov.number = (value) => value.toLocaleString('en-US');
  // For narrow columns: 9999, 12k, 3.4M.
  kcov.short = (value) => {
    if (value < 10000) return String(value);
    for (const [unit, size] of [['k', 1e3], ['M', 1e6], ['G', 1e9], ['T', 1e12]]) {
      const scaled = value / size;
      if (scaled < 9.95) return scaled.toFixed(1) + unit;
      if (scaled < 1000 || unit === 'T') return Math.floor(scaled) + unit;
    }
  };
  // Never 0 for what is something, never 100 for what is not all.
  kcov.percent = (covered, points) => {
    if (points === 0) return '';
    if (covered === 0) return '0 %';
    if (covered === points) return '100 %';
    const share = (100 * covered) / points;
    if (share < 0.1) return '<0.1 %';
    return Math.min(99.9, share).toFixed(1) + ' %';
  };
  kcov.some = (count, one, many) => `${kcov.number(count)} ${count === 1 ? one : many}`;

  // The share as one of eleven colours. Kernels are seldom covered to more than a fifth, so the
  // steps are finer there.
  const steps = [0.01, 0.03, 0.06, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9];
  kcov.steps = steps;
  kcov.step = (covered, points) => {
    if (covered === 0 || points === 0) return 0;
    const share = covered / points;
    let step = 1;
    for (const limit of steps) if (share > limit) ++step;
    return step;
  };
  kcov.bar = (covered, points) => {
    const filled = kcov.make('i', '');
    filled.style.width = points === 0 ? '0' : `${(100 * covered) / points}%`;
    return kcov.make('span', covered === 0 ? 'bar none' : 'bar', filled);
  };

  // "fs/a:b.c" -> "fs/a%3Ab.c"
  kcov.encode = (path) => path.split('/').map(encodeURIComponent).join('/');
  kcov.addressOf = (path, line) => `#file:${kcov.encode(path)}${line ? ':' + line : ''}`;

  // [name, covered, points, directories, files] and [name, covered, points, number].
  kcov.plant = (data, parent) => {
    const [name, covered, points] = data;
    const path = !parent ? '' : !parent.parent ? name : parent.path + '/' + name;
    const node = {name, path, parent, covered, points, isFile: !Array.isArray(data[3])};
    if (node.isFile) {
      node.number = data[3];
      kcov.files[node.number] = node;
      kcov.paths.set(path, node);
    } else {
      kcov.directories.set(path, node);
      node.directories = data[3].map((inner) => kcov.plant(inner, node));
      node.files = data[4].map((file) => kcov.plant(file, node));
    }
    return node;
  };

  // Where a key leads in a list of `count`, from `index`; -1: nowhere.
  kcov.move = (event, index, count) => {
    if (count === 0) return -1;
    switch (event.key) {
      case 'j':
      case 'ArrowDown': return Math.min(index + 1, count - 1);
      case 'k':
      case 'ArrowUp': return Math.max(index - 1, 0);
      case 'g':
      case 'Home': return 0;
      case 'G':
      case 'End': return count - 1;
      case 'PageDown': return Math.min(index + 20, count - 1);
      case 'PageUp': return Math.max(index - 20, 0);
      default: return -1;
    }
  };

  // A table whose heads sort it. `columns`: {title, value(row), cell(row), isNumber}.
  kcov.table = (columns, rows, order, link) => {
    const table = kcov.make('table', 'list');
    const head = kcov.make('tr', '');
    const body = kcov.make('tbody', '');
    let sorted = order;  // column, and whether it goes down
    const fill = () => {
      const {value} = columns[sorted.column];
      const sign = sorted.down ? -1 : 1;
      const compare = (a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0);
      body.replaceChildren(...[...rows].sort(compare).map((row) => {
        const line = kcov.make('tr', '');
        for (const column of columns) {
          const cell = kcov.make('td', column.isNumber ? 'number' : '');
          cell.append(column.cell(row));
          line.append(cell);
        }
        if (link) link(line, row);
        return line;
      }));
      [...head.children].forEach((cell, i) => {
        if (i === sorted.column) cell.ariaSort = sorted.down ? 'descending' : 'ascending';
        else cell.removeAttribute('aria-sort');
      });
    };
    columns.forEach((column, i) => {
      const button = kcov.make('button', '', column.title);
      button.type = 'button';
      button.onclick = () => {
        const down = sorted.column === i ? !sorted.down : Boolean(column.isNumber);
        sorted = {column: i, down};
        fill();
      };
      const cell = kcov.make('th', column.isNumber ? 'number' : '', button);
      cell.scope = 'col';
      head.append(cell);
    });
    fill();
    table.append(kcov.make('thead', '', head), body);
    return table;
  };
})();
