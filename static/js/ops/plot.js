// @ts-check
/** A small plot of the last minutes: an SVG without axes, whose words stand beside it. */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [200, 40];

/** @returns {SVGSVGElement} an empty plot, hidden from screen readers: the tile says the value */
export function makePlot() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'plot');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  for (const [name, kind] of [['area', 'path'], ['line', 'path'], ['ground', 'line']]) {
    const shape = document.createElementNS(SVG, kind);
    shape.setAttribute('class', `plot__${name}`);
    svg.append(shape);
  }
  const ground = /** @type {Element} */ (svg.lastElementChild);
  for (const [name, value] of [['x1', 0], ['x2', WIDTH], ['y1', HEIGHT], ['y2', HEIGHT]]) {
    ground.setAttribute(String(name), String(value));
  }
  return svg;
}

/**
 * @param {SVGSVGElement} svg of `makePlot`
 * @param {(number | null)[]} values the oldest first; null: a gap
 * @param {number} places how many values fill the width: the newest is at the right end
 */
export function draw(svg, values, places) {
  const { line, area } = paths(values, places);
  svg.querySelector('.plot__line')?.setAttribute('d', line);
  svg.querySelector('.plot__area')?.setAttribute('d', area);
}

/**
 * @param {(number | null)[]} values
 * @param {number} places
 * @returns {{line: string, area: string}} of an SVG's paths
 */
export function paths(values, places) {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const step = WIDTH / Math.max(1, places - 1);
  const first = WIDTH - (values.length - 1) * step;
  /** @type {[number, number][][]} */
  const runs = [[]];
  values.forEach((value, index) => {
    if (value === null) runs.push([]);
    else runs[runs.length - 1].push([first + index * step, HEIGHT - (value / top) * (HEIGHT - 2)]);
  });
  const drawn = runs.filter((run) => run.length > 0);
  const text = (/** @type {[number, number][]} */ run) => run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
  return {
    line: drawn.map((run) => `M${text(run)}`).join(''),
    area: drawn.map((run) => `M${run[0][0].toFixed(1)} ${HEIGHT}L${text(run)}L${run[run.length - 1][0].toFixed(1)} ${HEIGHT}Z`).join(''),
  };
}
