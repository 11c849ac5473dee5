// The page: loads the selected data, shows it and refreshes it.

import * as api from "./api.js";
import { showRelation, showWet } from "./answer.js";
import { hideEffect, save, showEffect, showProgress } from "./effect.js";
import { Scatter, TimeCharts, reading } from "./charts.js";
import { DAYS, VARIABLES, isLive, read, write } from "./choice.js";
import { Controls } from "./controls.js";
import { arrived, byId, make, number, announce } from "./dom.js";
import { pill, showSources } from "./sources.js";
import { HoursTable } from "./table.js";
import { HOUR, apiHour, clock, hoursOf, moment } from "./time.js";

const REFRESH_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;
/** Late posts belong to past hours: a refresh loads the last few again. */
const LATE_HOURS = 3;

const TALK_NOTES = {
  without: "Posts that speak of the weather are left out.",
  all: "All posts, also those that speak of the weather.",
  only: "Only posts that speak of the weather.",
};

const page = {
  cities: null, choice: null, controls: null,
  /** The shown data: city, range, hours by start, relations. */
  shown: null,
  /** Aborts pending requests when the selection changes. */
  pending: new AbortController(),
  retryMs: FIRST_RETRY_MS, timer: 0,
};
const charts = new TimeCharts(byId("feeling-chart"), byId("weather-chart"), showHour);
const scatter = new Scatter(byId("scatter"));
const table = new HoursTable();

const cityOf = (id) => page.cities.cities.find((city) => city.id === id);

function rangeOf(choice) {
  return hoursOf(choice, DAYS[choice.range], cityOf(choice.city).zone, Date.now());
}

/** Loads everything that the selection needs, then shows it. */
async function load() {
  const { choice } = page;
  const { signal } = renew();
  document.body.classList.add("loading");
  byId("main").ariaBusy = "true";
  try {
    const range = rangeOf(choice);
    // The hours are shown while the answer is computed.
    const answer = loadAnswer(choice, range, signal);
    answer.catch(() => {});
    const [hours, status] = await Promise.all([api.hours(choice, range, signal), api.status(signal)]);
    page.shown = { choice, range, hours, status };
    show(false);
    Object.assign(page.shown, await answer);
    showAnswer(false);
    succeeded();
  } catch (error) {
    failed(error, signal);
  }
}

/** The effect, or the relations. */
async function loadAnswer(choice, range, signal) {
  if (choice.method === "correlation") return loadRelations(choice, range, signal);
  return { effect: await api.effect(choice, range, showProgress, signal) };
}

async function loadRelations(choice, range, signal) {
  const wet = api.relation({ ...choice, variable: "precipitation" }, range, signal);
  const chosen = choice.variable === "precipitation" ? wet : api.relation(choice, range, signal);
  const [forWet, forChosen] = await Promise.all([wet, chosen]);
  return { wet: forWet, relation: forChosen };
}

/** Loads the newest hours, the status and, once an hour, the answer. */
async function refresh() {
  const { shown } = page;
  if (!shown || document.hidden) return later(REFRESH_MS, refresh);
  const { signal } = page.pending;
  try {
    const status = await api.status(signal);
    Object.assign(shown, { status });
    if (isLive(shown.choice)) {
      const range = rangeOf(shown.choice);
      const newest = { begin: shown.range.end - LATE_HOURS * HOUR, end: range.end };
      const hours = await api.hours(shown.choice, newest, signal);
      const grown = range.end > shown.range.end;
      const answer = grown ? await loadAnswer(shown.choice, range, signal) : {};
      hours.forEach((hour, at) => shown.hours.set(at, hour));
      Object.assign(shown, { range }, answer);
    }
    show(true);
    showAnswer(true);
    succeeded();
  } catch (error) {
    failed(error, signal);
  }
}

function show(fresh) {
  const { choice, range, hours, status } = page.shown;
  const city = cityOf(choice.city);
  const grid = api.grid(hours, range);
  const withData = grid.filter(({ hour }) => hour);
  document.title = `${city.name}: ${VARIABLES[choice.variable].name} and mood · Moodvane`;
  byId("zone").textContent = `${city.name}’s (${city.zone})`;
  byId("weather-title").textContent = `${byId("variable").selectedOptions[0].text}, ${VARIABLES[choice.variable].unit}`;
  showSources(status, city, city.zone);
  showEmpty(withData.length === 0, range, city);
  arrived(byId("time-charts"));
  if (withData.length) charts.draw(grid, choice.variable, city.zone);
  byId("talk-note").textContent = TALK_NOTES[choice.talk];
  table.show(grid, city.zone, fresh);
  showHour(null);
}

/** Shows the effect or the relations, once they are loaded. */
function showAnswer(fresh) {
  const { choice, range, hours, wet, relation, effect } = page.shown;
  const simple = choice.method === "correlation";
  const withData = api.grid(hours, range).some(({ hour }) => hour);
  byId("together").hidden = !simple || !withData;
  byId("effect-hint").hidden = simple;
  byId("simple-hint").hidden = !simple;
  if (simple) {
    hideEffect();
    showWet(wet, cityOf(choice.city));
    const grid = api.grid(hours, range);
    if (withData) showRelation(relation, scatter.draw(grid, choice.variable, relation.relation), choice.cycles);
  } else {
    showEffect(effect);
    byId("report").href = api.effectPath(choice, range, { format: "html" });
  }
  byId("figures-card").hidden = !simple || !withData || !relation.relation;
  if (!fresh) announce(`Shown: ${hours.size} hours. ${byId("wet-sentence").textContent}`);
}

function showEmpty(empty, { begin, end }, city) {
  byId("empty").hidden = !empty;
  byId("answer").hidden = empty;
  byId("time").hidden = empty;
  if (empty) hideEffect();
  byId("table").closest("section").hidden = empty;
  byId("empty-text").textContent =
    `There are no posts and no weather of ${city.name} from ${moment(begin, city.zone)} to ${moment(end, city.zone)}. Choose other days or a longer range.`;
  byId("widen").hidden = page.choice.range === "365d";
}

/** Shows the hour under the cursor, or the legend. */
function showHour(index) {
  const { shown } = page;
  if (!shown) return;
  const { name, unit, digits } = VARIABLES[shown.choice.variable];
  const at = index === null ? null : shown.range.begin + index * HOUR;
  if (at === null) {
    byId("readout").textContent = shown.hours.size > 200
      ? "Thin: each hour. Bold: mean of the day around it." : "Shaded: 95 % interval of each hour.";
    return;
  }
  const hour = shown.hours.get(at);
  byId("readout").replaceChildren(
    `${moment(at, cityOf(shown.choice.city).zone)}: `,
    make("b", {}, `feeling ${number(hour?.feeling, 2)}`),
    `, ${name} ${number(reading(hour, shown.choice.variable), digits)} ${unit}, ${hour?.posts ?? 0} posts`,
  );
}

function succeeded() {
  page.retryMs = FIRST_RETRY_MS;
  byId("notice").hidden = true;
  byId("main").ariaBusy = "false";
  document.body.classList.remove("loading");
  later(REFRESH_MS, refresh);
}

/** Shows the error, keeps the data, and retries if that may succeed. */
function failed(error, signal) {
  if (signal.aborted) return;
  if (!(error instanceof api.Problem)) console.error(error);
  byId("main").ariaBusy = "false";
  document.body.classList.remove("loading");
  const since = page.shown && ` The data shown is from ${clock(Date.parse(page.shown.status.now), cityOf(page.shown.choice.city).zone)}.`;
  const text = error instanceof api.Problem ? error.message : "The page cannot show the data.";
  byId("notice-text").textContent = `${text}${since ?? ""}${error.retryable ? " Retrying." : ""}`;
  byId("notice").hidden = false;
  if (!error.retryable) return;
  pill("bad", "Unreachable");
  const stale = page.shown?.choice !== page.choice;
  later(page.retryMs, !page.cities ? start : stale ? load : refresh);
  page.retryMs = Math.min(page.retryMs * 2, MAX_RETRY_MS);
}

function later(millis, work) {
  clearTimeout(page.timer);
  page.timer = setTimeout(work, millis);
}

function renew() {
  page.pending.abort();
  page.pending = new AbortController();
  clearTimeout(page.timer);
  return page.pending;
}

function choose(choice, push = true) {
  page.choice = choice;
  page.controls.show(choice);
  if (push) history.pushState(null, "", write(choice));
  load();
}

async function download() {
  const button = byId("download");
  const { choice } = page;
  if (!choice) return;
  button.disabled = true;
  try {
    const range = rangeOf(choice);
    const text = await api.csv(choice, range, page.pending.signal);
    save(`moodvane-${choice.city}-${apiHour(range.begin)}-${apiHour(range.end)}.csv`, "text/csv", text);
    announce("Table downloaded");
  } catch (error) {
    failed(error, page.pending.signal);
  } finally {
    button.disabled = false;
  }
}

async function copy() {
  if (!page.choice) return;
  const button = byId("copy");
  const link = `${location.origin}/${write(page.choice)}`;
  const done = await navigator.clipboard?.writeText(link).then(() => true, () => false);
  button.textContent = done ? "Copied" : "Copy the URL";
  announce(done ? "Link copied" : "The link is the URL of the page");
  setTimeout(() => (button.textContent = "Copy link"), 2_000);
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
function step(event) {
  const by = STEPS[event.key];
  if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (charts.step(event.shiftKey ? by * 24 : by) !== null) announce(byId("readout").textContent);
}

async function start() {
  const { signal } = renew();
  try {
    page.cities = await api.cities(signal);
  } catch (error) {
    return failed(error, signal);
  }
  page.controls ??= new Controls(page.cities, (choice) => choose(choice));
  choose(read(location.search, page.cities), false);
}

byId("time-charts").addEventListener("keydown", step);
byId("download").addEventListener("click", download);
byId("copy").addEventListener("click", copy);
byId("again").addEventListener("click", () => (page.cities ? load() : start()));
byId("widen").addEventListener("click", () => choose({ ...page.choice, range: "365d" }));
addEventListener("popstate", () => page.cities && choose(read(location.search, page.cities), false));
document.addEventListener("visibilitychange", () => !document.hidden && page.shown && later(0, refresh));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.shown && show(true));
start();
