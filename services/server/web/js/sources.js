// The status of the sources and of the pipeline.

import { byId, list, make } from "./dom.js";
import { HOUR, ago, clock } from "./time.js";

/** A source without data for longer is marked as silent. */
const SILENT_AFTER = 2 * HOUR;
/** A larger lag is shown as a warning. */
const MAX_LAG = 1000;
const TOPICS = { tweet: "Posts", temperature: "Weather" };

export function showSources(status, city, zone) {
  const now = Date.parse(status.now);
  const sources = status.sources.filter((source) => source.city === city.id);
  const silent = ({ last_hour: last, stale_since: stale }) => stale || !last || now - Date.parse(last) > SILENT_AFTER;
  const item = (source) => make("li", {},
    make("span", { className: "dot", "data-state": silent(source) ? "warn" : "good", "aria-hidden": "true" }),
    make("span", {}, source.id),
    make("span", {}, latest(source, now)));
  const none = make("li", {}, make("span", { className: "dot", "data-state": "warn" }), make("span", {}, "No source has data within a week"));
  byId("sources").replaceChildren(...(sources.length ? sources.map(item) : [none]));
  const behind = (lag) => (lag === 0 ? "up to date" : `${lag.toLocaleString("en-GB")} records behind`);
  list(byId("lags"), [
    ...(status.topics ?? []).map(({ topic, lag }) => [TOPICS[topic] ?? topic, behind(lag)]),
    ...(status.gaps ? [["Gaps", String(status.gaps)]] : []),
    ["Version", status.version],
  ]);
  byId("updated").textContent = `Updated ${clock(now, zone)}`;
  pill(...verdict(status, sources.filter(silent)));
}

function latest({ last_hour: last, stale_since: stale }, now) {
  if (stale) return `stale, its latest is of ${ago(Date.parse(stale), now)}`;
  return last ? `data ${ago(Date.parse(last), now)}` : "no data";
}

function verdict(status, silent) {
  if (!status.topics) return ["warn", "The log is unavailable"];
  const lag = status.topics.reduce((sum, topic) => sum + topic.lag, 0);
  if (lag > MAX_LAG) return ["warn", `${lag.toLocaleString("en-GB")} records behind`];
  if (silent.length) return ["warn", `${silent.map(({ id }) => id).join(", ")}: silent`];
  return ["good", "Up to date"];
}

export function pill(state, text) {
  const element = byId("health");
  element.dataset.state = state;
  element.firstElementChild.textContent = text;
}
