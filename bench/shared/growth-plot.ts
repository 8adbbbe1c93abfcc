import { type Call, type GrowthLine, showSlope } from './growth-figures';

const [width, height] = [640, 380];
const plot = { left: 70, right: 500, top: 30, bottom: 320 };
const colors: Readonly<Record<Call, string>> = {
  'hybrid recall': '#0b6e4f',
  'semantic recall': '#1f5fbf',
  remember: '#b3541e',
};

/** A plot of the medians over the sizes, with logarithmic axes, as SVG. On such axes a power of the size is a straight line. */
export function growthPlot(lines: readonly GrowthLine[]): string {
  const points = lines.flatMap((line) => line.points);
  const x = axis(
    points.map(({ size }) => size),
    plot.left,
    plot.right,
  );
  const y = axis(
    points.map(({ median }) => median),
    plot.bottom,
    plot.top,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    '<title>Median time of a call over the number of memories, both axes logarithmic</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...x.ticks.flatMap((size) => [
      rule(x.at(size), plot.top, x.at(size), plot.bottom),
      label(x.at(size), plot.bottom + 18, 'middle', size.toLocaleString('en-US')),
    ]),
    ...y.ticks.flatMap((ms) => [
      rule(plot.left, y.at(ms), plot.right, y.at(ms)),
      label(plot.left - 8, y.at(ms) + 4, 'end', `${ms} ms`),
    ]),
    label((plot.left + plot.right) / 2, plot.bottom + 42, 'middle', 'memories'),
    ...labelled(lines, y.at).flatMap(({ call, slopes, points, labelY }) => [
      `<polyline fill="none" stroke="${colors[call]}" stroke-width="2" points="${points
        .map(({ size, median }) => `${round(x.at(size))},${round(y.at(median))}`)
        .join(' ')}"/>`,
      ...points.map(
        ({ size, median }) =>
          `<circle cx="${round(x.at(size))}" cy="${round(y.at(median))}" r="3.5" fill="${colors[call]}"/>`,
      ),
      label(plot.right + 8, labelY + 4, 'start', `${call} (${showSlope(slopes.median)})`, colors[call]),
    ]),
    '</svg>',
    '',
  ].join('\n');
}

const lineHeight = 16;

/** Puts the name of each line beside its last point. Names that would overlap move down. */
function labelled(lines: readonly GrowthLine[], y: (ms: number) => number): (GrowthLine & { labelY: number })[] {
  const placed = lines.map((line) => ({ ...line, labelY: y(line.points.at(-1)?.median ?? Number.NaN) }));
  placed.sort((a, b) => a.labelY - b.labelY);
  let lowest = Number.NEGATIVE_INFINITY;
  for (const line of placed) {
    line.labelY = Math.max(line.labelY, lowest + lineHeight);
    lowest = line.labelY;
  }
  return placed;
}

/** A logarithmic axis over whole powers of ten. */
function axis(values: readonly number[], from: number, to: number): { at(value: number): number; ticks: number[] } {
  const first = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return {
    at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`)),
  };
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#ddd"/>`;
}

function label(x: number, y: number, anchor: 'start' | 'middle' | 'end', text: string, color = '#333'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${color}">${text}</text>`;
}

function round(value: number): string {
  return value.toFixed(1);
}
