// The charts, drawn by uPlot on canvases. The colours come from the style sheet, so that they follow
// the light and dark modes.

import { VARIABLES } from "./choice.js";
import { clock, day } from "./time.js";

const DAY_S = 86_400;
/** The feeling of an hour is noisy: longer ranges also show the mean of the day around each hour. */
const SMOOTH_FROM_HOURS = 200;
const SMOOTH_REACH = 12;
const SMOOTH_MIN = 6;
const PADDING = [8, 8, 0, 0];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axes(zone, size, { time = true, label } = {}) {
  const common = () => ({
    stroke: colour("--muted"),
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  });
  const labels = (plot, splits, _axis, _space, step) =>
    splits.map((at) => (step >= DAY_S || clock(at * 1000, zone) === "00:00" ? day(at * 1000, zone) : clock(at * 1000, zone)));
  const x = { ...common(), ...(time ? { values: labels } : { label, labelSize: 22, labelGap: 2 }), size: 28, space: 70, gap: 6 };
  return [x, { ...common(), size, space: 34, gap: 8 }];
}

/** The mean of the hours around each hour; null if too few have a value. */
function smooth(values) {
  return values.map((_, at) => {
    const around = values.slice(Math.max(0, at - SMOOTH_REACH), at + SMOOTH_REACH + 1).filter((value) => value !== null);
    return around.length < SMOOTH_MIN ? null : around.reduce((sum, value) => sum + value, 0) / around.length;
  });
}

export const reading = (hour, variable) => hour?.weather[variable]?.value ?? null;

/** A plot that resizes with its host element. */
class ResizingPlot {
  #host; #plot = null; #width;
  constructor(host) {
    this.#host = host;
    new ResizeObserver(() => {
      const width = host.clientWidth;
      if (!this.#plot || width === this.#width || !width) return;
      this.#width = width;
      this.#plot.setSize({ width, height: this.#plot.height });
    }).observe(host);
  }
  get plot() { return this.#plot; }
  draw(options, data) {
    this.clear();
    this.#width = this.#host.clientWidth || 600;
    this.#plot = new uPlot({ legend: { show: false }, ...options, width: this.#width }, data, this.#host);
  }
  clear() {
    this.#plot?.destroy();
    this.#plot = null;
  }
}

/** Feeling and weather over time, one above the other, with a shared cursor. */
export class TimeCharts {
  #feeling; #weather; #hours = []; #onMove; #at = null;
  /** Calls `onMove(index)` when the cursor moves, with null when it leaves. */
  constructor(feelingHost, weatherHost, onMove) {
    this.#feeling = new ResizingPlot(feelingHost);
    this.#weather = new ResizingPlot(weatherHost);
    this.#onMove = onMove;
  }

  draw(hours, variable, zone) {
    this.#hours = hours;
    this.#at = null;
    const x = hours.map(({ at }) => at / 1000);
    const feeling = hours.map(({ hour }) => hour?.feeling ?? null);
    const weather = hours.map(({ hour }) => reading(hour, variable));
    const cursor = {
      y: false, drag: { x: false, y: false }, points: { size: 7 },
      sync: { key: "time" },
    };
    const moved = { setCursor: [(plot) => this.#moved(plot.cursor.idx)] };
    const ink = colour("--feeling");
    const scales = { x: { time: true } };
    const tzDate = (at) => uPlot.tzDate(new Date(at * 1000), zone);
    const smoothed = hours.length >= SMOOTH_FROM_HOURS;
    const fine = { stroke: smoothed ? `${ink}66` : ink, width: smoothed ? 1 : 1.75, points: { show: false } };
    const error = hours.map(({ hour }) => (hour?.standard_error ?? null));
    const edge = (sign) => feeling.map((value, i) => (value === null || error[i] === null ? null : value + sign * 1.96 * error[i]));
    const more = smoothed
      ? { series: [{ stroke: ink, width: 2.25, points: { show: false } }], data: [smooth(feeling)], bands: [] }
      : {
          series: [{ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }],
          data: [edge(1), edge(-1)],
          bands: [{ series: [2, 3], fill: `${ink}22` }],
        };
    this.#feeling.draw(
      { height: 200, padding: PADDING, tzDate, scales, cursor, axes: axes(zone, 44), series: [{}, fine, ...more.series], bands: more.bands, hooks: moved },
      [x, feeling, ...more.data],
    );
    const bars = variable === "precipitation";
    const blue = colour("--weather");
    const line = bars
      ? { stroke: blue, fill: blue, width: 0, paths: uPlot.paths.bars({ size: [0.9, 24], align: 1 }), points: { show: false } }
      : { stroke: blue, width: 1.75, points: { show: false } };
    const y = bars ? { range: (_, __, most) => [0, Math.max(1, most ?? 1)] } : {};
    this.#weather.draw(
      { height: 150, padding: PADDING, tzDate, scales: { ...scales, y }, cursor, axes: axes(zone, 44), series: [{}, line] },
      [x, weather],
    );
  }

  clear() {
    this.#feeling.clear();
    this.#weather.clear();
    this.#hours = [];
  }

  #moved(at) {
    if (at === this.#at) return;
    this.#at = at ?? null;
    this.#onMove(this.#at);
  }

  /** Moves the cursor by hours, or to the first or last one. Returns its index. */
  step(by) {
    const last = this.#hours.length - 1;
    if (last < 0) return null;
    const from = this.#at ?? last + 1;
    const at = Math.min(last, Math.max(0, by === -Infinity ? 0 : by === Infinity ? last : from + by));
    const plot = this.#feeling.plot;
    const left = plot.valToPos(this.#hours[at].at / 1000, "x");
    plot.setCursor({ left, top: 20 }, true);
    return at;
  }
}

/** Each hour as a point, with the fitted line and the interval of its slope. */
export class Scatter {
  #plot;
  constructor(host) { this.#plot = new ResizingPlot(host); }
  clear() { this.#plot.clear(); }

  draw(hours, variable, found) {
    const pairs = hours
      .map(({ hour }) => [reading(hour, variable), hour?.feeling ?? null])
      .filter(([weather, feeling]) => weather !== null && feeling !== null)
      .sort((a, b) => a[0] - b[0]);
    const x = pairs.map(([weather]) => weather);
    const y = pairs.map(([, feeling]) => feeling);
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [middle, level] = [mean(x), mean(y)];
    const line = (slope) => x.map((at) => level + slope * (at - middle));
    const { value, low, high } = found?.slope ?? { value: 0, low: 0, high: 0 };
    const [a, b] = [line(low), line(high)];
    const ink = colour("--feeling");
    // Without pixel alignment: it would make a straight line of many points jagged.
    const hidden = { stroke: "transparent", points: { show: false }, pxAlign: 0 };
    const series = [{}, { stroke: ink, paths: () => null, points: { show: true, size: 5, width: 0, fill: `${ink}59` } }];
    const data = [x, y];
    if (found) {
      series.push(hidden, hidden, { ...hidden, stroke: colour("--weather"), width: 2.5 });
      data.push(a.map((v, i) => Math.max(v, b[i])), a.map((v, i) => Math.min(v, b[i])), line(value));
    }
    const { name, unit } = VARIABLES[variable];
    this.#plot.draw(
      {
        height: 320, padding: PADDING, cursor: { show: false }, series,
        scales: { x: { time: false }, y: { range: (_, least, most) => uPlot.rangeNum(least, most, 0.08, true) } },
        bands: found ? [{ series: [2, 3], fill: colour("--band") }] : [],
        axes: axes("UTC", 44, { time: false, label: `${name}, ${unit}` }),
      },
      data,
    );
    return pairs.length;
  }
}

