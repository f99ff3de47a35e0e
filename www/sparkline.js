'use strict';

/* A small chart without axes: fills an <svg> with a line of the last values. */

const sparkline = {
  width: 160, // user units; the style decides how large they are
  height: 40,
  most: 160, // values, the last ones

  draw(svg, values, unit) {
    const shown = values.slice(-this.most);
    const greatest = Math.max(...shown, Number.MIN_VALUE);
    const step = this.width / Math.max(shown.length - 1, 1);
    const y = (value) => this.height - 2 - value / greatest * (this.height - 4);
    const points = shown.map((value, i) => `${(i * step).toFixed(1)},${y(value).toFixed(1)}`);
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    line.setAttribute('points', points.join(' '));
    svg.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.replaceChildren(...(shown.length ? [line] : []));
    const name = svg.dataset.name ||= svg.getAttribute('aria-label');
    svg.setAttribute('aria-label',
      shown.length ? `${name}: up to ${greatest.toFixed(1)} ${unit}` : name);
  },
};
