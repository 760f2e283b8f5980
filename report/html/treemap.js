// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The map: an area for each file, as large as its points are many, coloured by the share that was
// covered. Squarified: items are laid along the shorter side, largest first, for as long as that
// makes the worst of them less oblong; then the rest gets what is left of the rectangle.
'use strict';

(() => {
  const {make} = kcov;
  const kLabel = 15;     // pixels that a directory's name takes
  const kSmallest = 3;   // a side that can still be seen
  const kOpened = 28;    // a directory's shorter side from which on its content is drawn
  let directory = null;
  let area = null;
  let told = null;
  let cells = [];  // {node, element, x, y, width, height}
  let current = -1;

  function layOut(items, box, place) {
    const sum = items.reduce((all, item) => all + item.points, 0);
    let {x, y, width, height} = box;
    const scale = (width * height) / sum;
    for (let begin = 0; begin < items.length;) {
      const side = Math.min(width, height);
      const first = items[begin].points * scale;
      let end = begin, total = 0, worst = Infinity;
      while (end < items.length) {
        const size = items[end].points * scale;
        const grown = total + size;
        const depth = grown / side;
        const next = Math.max(first / depth / depth, (depth * depth) / size);
        if (next > worst) break;
        worst = next;
        total = grown;
        ++end;
      }
      const depth = side > 0 ? total / side : 0;
      let along = 0;
      for (; begin < end; ++begin) {
        const length = depth > 0 ? (items[begin].points * scale) / depth : 0;
        place(items[begin], width >= height
          ? {x, y: y + along, width: depth, height: length}
          : {x: x + along, y, width: length, height: depth});
        along += length;
      }
      if (width >= height) [x, width] = [x + depth, width - depth];
      else [y, height] = [y + depth, height - depth];
    }
  }

  function draw(node, box) {
    if (box.width < kSmallest || box.height < kSmallest) return;
    const isOpen = !node.isFile && Math.min(box.width, box.height) > kOpened;
    const element = make('div', isOpen ? 'group' : `cell s${kcov.step(node.covered, node.points)}`);
    element.style.left = `${box.x}px`;
    element.style.top = `${box.y}px`;
    element.style.width = `${box.width}px`;
    element.style.height = `${box.height}px`;
    if (box.width > 36 && box.height > kLabel - 2)
      element.append(make('span', '', kcov.visible(node.name || '/')));
    cells.push({node, element, ...box});
    area.append(element);
    if (isOpen) {
      drawAll(node, {x: box.x + 2, y: box.y + kLabel, width: box.width - 4,
        height: box.height - kLabel - 2});
    }
  }
  function drawAll(node, box) {
    const items = [...node.directories, ...node.files].filter((item) => item.points > 0);
    items.sort((a, b) => b.points - a.points);
    if (items.length !== 0 && box.width > 0 && box.height > 0) layOut(items, box, draw);
  }

  function tell(node) {
    told.replaceChildren(
      make('b', '', kcov.visible(node.path || 'all')), ' ',
      kcov.pointsKnown
        ? `${kcov.percent(node.covered, node.points)}, ${kcov.number(node.covered)} of ${kcov.number(node.points)} points`
        : kcov.some(node.covered, 'point', 'points'));
  }
  function select(index) {
    cells[current]?.element.classList.remove('current');
    current = index;
    const cell = cells[current];
    if (!cell) return;
    cell.element.classList.add('current');
    tell(cell.node);
  }
  function fill() {
    cells = [];
    current = -1;
    area.replaceChildren();
    drawAll(directory, {x: 0, y: 0, width: area.clientWidth, height: area.clientHeight});
    tell(directory);
  }
  function open(node) {
    location.hash = node.isFile ? kcov.addressOf(node.path) : '#map:' + kcov.encode(node.path);
  }

  // The nearest cell in a direction, measured between the middles.
  function neighbour(dx, dy) {
    if (current < 0) return 0;
    const from = cells[current];
    const middle = (cell) => [cell.x + cell.width / 2, cell.y + cell.height / 2];
    const [x, y] = middle(from);
    let best = current, least = Infinity;
    cells.forEach((cell, i) => {
      const [cx, cy] = middle(cell);
      const ahead = (cx - x) * dx + (cy - y) * dy;
      const aside = Math.abs((cx - x) * dy) + Math.abs((cy - y) * dx);
      if (i === current || ahead < 1) return;
      if (ahead + 2 * aside < least) [best, least] = [i, ahead + 2 * aside];
    });
    return best;
  }

  function makeLegend() {
    const legend = make('span', 'legend', '0');
    for (let step = 0; step <= kcov.steps.length + 1; ++step) {
      const sample = make('i', `s${step}`);
      const from = step < 2 ? 0 : kcov.steps[step - 2] * 100;
      sample.title = step === 0 ? 'not covered' : `more than ${from} %`;
      legend.append(sample);
    }
    legend.append('100 %');
    return legend;
  }
  function makeWay() {
    const way = make('nav', 'way');
    way.ariaLabel = 'Directories around this one';
    for (let node = directory; node; node = node.parent) {
      const link = make('a', '', node.parent ? kcov.visible(node.name || '/') : 'all');
      link.href = '#map:' + kcov.encode(node.path);
      way.prepend(link, node === directory ? '' : ' / ');
    }
    return way;
  }

  kcov.views.map = {
    show(path) {
      directory = kcov.directories.get(path) ?? kcov.root;
      area = make('div', 'treemap');
      area.tabIndex = 0;
      area.ariaLabel = 'Map of the files; the list of files has the same numbers as text';
      area.setAttribute('role', 'application');
      told = make('span', 'told');
      told.ariaLive = 'polite';
      const cellAt = (target) => cells.findLastIndex((cell) => cell.element.contains(target));
      area.onmouseover = (event) => {
        const index = cellAt(event.target);
        tell(index < 0 ? directory : cells[index].node);
      };
      area.onmouseleave = () => tell(directory);
      area.onclick = (event) => {
        const index = cellAt(event.target);
        if (index >= 0) open(cells[index].node);
      };
      document.getElementById('view').replaceChildren(
        make('div', 'tools', makeWay(), told, makeLegend()), area);
      fill();
      area.focus({preventScroll: true});
    },
    resize: () => fill(),
    key(event) {
      switch (event.key) {
        case 'h':
        case 'ArrowLeft': return select(neighbour(-1, 0)), true;
        case 'l':
        case 'ArrowRight': return select(neighbour(1, 0)), true;
        case 'k':
        case 'ArrowUp': return select(neighbour(0, -1)), true;
        case 'j':
        case 'ArrowDown': return select(neighbour(0, 1)), true;
        case 'Enter':
          if (document.activeElement !== area || current < 0) return false;
          return open(cells[current].node), true;
        case 'Backspace':
        case 'Escape':
          if (directory.parent) location.hash = '#map:' + kcov.encode(directory.parent.path);
          return true;
        default: return false;
      }
    },
  };
})();
