// Asks the server. Every failure is a Problem with words for people.

import { HOUR, asked } from "./time.js";

const PATIENCE = 20_000;
const PAGE_HOURS = 1000;
/** How often a server that is asked too often is waited for, and for how many seconds at most. */
const WAITS = 5;
const MOST_PAUSE_S = 10;

/** Why there is no answer. */
export class Problem extends Error {
  constructor(message, { field = null, away = false } = {}) {
    super(message);
    this.field = field;
    /** Whether asking again later may help. */
    this.away = away;
  }
}

async function ask(path, signal, patience = WAITS) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("The server does not answer.", { away: true });
  }
  if (response.ok) return response;
  if (response.status === 429 && patience > 0) {
    await pause(Number(response.headers.get("retry-after")) || 1);
    return ask(path, signal, patience - 1);
  }
  const problem = await response.json().catch(() => ({}));
  throw new Problem(problem.detail ?? `The server answered with ${response.status}.`, {
    field: problem.field,
    away: response.status >= 500 || response.status === 429,
  });
}

/** Lets so many seconds pass, within reason. */
const pause = (seconds) => new Promise((over) => setTimeout(over, Math.min(seconds, MOST_PAUSE_S) * 1000));

async function read(path, signal) {
  const response = await ask(path, signal);
  try {
    return await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("The server's answer broke off.", { away: true });
  }
}

export const cities = (signal) => read("/v1/cities", signal);
export const status = (signal) => read("/v1/status", signal);

const query = (values) => new URLSearchParams(values).toString();

/** How the variable and the feeling go together in the hours from begin to end. */
export function relation({ city, variable, cycles }, { begin, end }, signal) {
  const taken = cycles ? { cycles: "daily-and-weekly" } : {};
  return read(`/v1/relation?${query({ city, variable, begin: asked(begin), end: asked(end), ...taken })}`, signal);
}

/** Pages of hours, in order; `next` tells where the page after an answer is. */
async function* pages(city, { begin, end }, format, next, signal) {
  const first = query({ city, begin: asked(begin), end: asked(end), format });
  let path = `/v1/hours?${first}&limit=${PAGE_HOURS}`;
  while (path) {
    let response;
    try {
      response = await ask(path, signal);
    } catch (error) {
      // A server may be configured to shorter pages: then as long as it likes.
      if (error.field !== "limit") throw error;
      path = `/v1/hours?${first}`;
      continue;
    }
    const page = format === "csv" ? await response.text() : await response.json();
    yield page;
    path = next(response, page);
  }
}

/** Everything that is known of each hour, by its moment. */
export async function hours(city, range, signal) {
  const found = new Map();
  for await (const page of pages(city, range, "json", (_, page) => page.next, signal)) {
    for (const hour of page.hours) found.set(Date.parse(hour.hour), hour);
  }
  return found;
}

/** The same as one CSV text, its header once. */
export async function csv(city, range, signal) {
  const next = (response) => /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  let text = "";
  for await (const page of pages(city, range, "csv", next, signal)) {
    text += text ? page.slice(page.indexOf("\n") + 1) : page;
  }
  return text;
}

/** Every hour from begin to end, null where nothing is known of it. */
export function grid(found, { begin, end }) {
  const hours = [];
  for (let at = begin; at <= end; at += HOUR) hours.push({ at, hour: found.get(at) ?? null });
  return hours;
}
