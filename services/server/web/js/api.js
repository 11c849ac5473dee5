// Requests to the API. Every failure is a Problem with a readable message.

import { events } from "./stream.js";
import { HOUR, apiHour } from "./time.js";

const TIMEOUT_MS = 20_000;
const PAGE_HOURS = 1000;
/** An effect of many cities takes seconds; the server has a limit of its own. */
const EFFECT_TIMEOUT_MS = 120_000;
/** How often a rate-limited request is retried, and the longest delay before a retry. */
const MAX_RETRIES = 5;
const MAX_RETRY_DELAY_S = 10;

/** The reason of a failed request. */
export class Problem extends Error {
  constructor(message, { field = null, retryable = false } = {}) {
    super(message);
    this.field = field;
    /** Whether a retry may succeed. */
    this.retryable = retryable;
  }
}

async function request(path, signal, { retries = MAX_RETRIES, timeoutMs = TIMEOUT_MS, headers = {} } = {}) {
  let response;
  try {
    response = await fetch(path, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("The server is unreachable.", { retryable: true });
  }
  if (response.ok) return response;
  if (response.status === 429 && retries > 0) {
    await delay(Number(response.headers.get("retry-after")) || 1);
    return request(path, signal, { retries: retries - 1, timeoutMs, headers });
  }
  throw problemOf(await response.json().catch(() => ({})), response.status);
}

const problemOf = ({ detail, field }, status) =>
  new Problem(detail ?? `The server returned status ${status}.`, { field, retryable: status >= 500 || status === 429 });

/** Waits for some seconds, up to the limit. */
const delay = (seconds) => new Promise((done) => setTimeout(done, Math.min(seconds, MAX_RETRY_DELAY_S) * 1000));

async function read(path, signal) {
  const response = await request(path, signal);
  try {
    return await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("The response of the server is incomplete.", { retryable: true });
  }
}

export const cities = (signal) => read("/v1/cities", signal);
export const status = (signal) => read("/v1/status", signal);

const query = (values) => new URLSearchParams(values).toString();

/** The relation of the variable and the feeling in the hours from begin to end. */
export function relation({ city, variable, cycles, talk }, { begin, end }, signal) {
  const adjustment = cycles ? { cycles: "daily-and-weekly" } : {};
  return read(`/v1/relation?${query({ city, variable, begin: apiHour(begin), end: apiHour(end), talk, ...adjustment })}`, signal);
}

/** The path of the effect in the hours from begin to end. */
export const effectPath = ({ city, cities, talk }, { begin, end }, more = {}) =>
  `/v1/effect?${query({ city: cities === "all" ? "all" : city, begin: apiHour(begin), end: apiHour(end), talk, ...more })}`;

/** The effect of the weather, with figures; calls `onProgress` at the beginning of each step. */
export async function effect(choice, range, onProgress, signal) {
  const path = effectPath(choice, range, { figures: true });
  const response = await request(path, signal, { timeoutMs: EFFECT_TIMEOUT_MS, headers: { accept: "text/event-stream" } });
  try {
    for await (const { name, data } of events(response)) {
      if (name === "answer") return data;
      if (name === "problem") throw problemOf(data, data.status);
      onProgress(data);
    }
  } catch (error) {
    if (signal.aborted || error instanceof Problem) throw error;
  }
  throw new Problem("The response of the server is incomplete.", { retryable: true });
}

/** Pages of hours, in order; `next` returns the path of the page after a response. */
async function* pages({ city, talk }, { begin, end }, format, next, signal) {
  const first = query({ city, begin: apiHour(begin), end: apiHour(end), format, talk });
  let path = `/v1/hours?${first}&limit=${PAGE_HOURS}`;
  while (path) {
    let response;
    try {
      response = await request(path, signal);
    } catch (error) {
      // The server may be configured with shorter pages: then use its default.
      if (error.field !== "limit") throw error;
      path = `/v1/hours?${first}`;
      continue;
    }
    const page = format === "csv" ? await response.text() : await response.json();
    yield page;
    path = next(response, page);
  }
}

/** All data of each hour, by its start. */
export async function hours(choice, range, signal) {
  const found = new Map();
  for await (const page of pages(choice, range, "json", (_, page) => page.next, signal)) {
    for (const hour of page.hours) found.set(Date.parse(hour.hour), hour);
  }
  return found;
}

/** The same as one CSV text with one header. */
export async function csv(choice, range, signal) {
  const next = (response) => /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  let text = "";
  for await (const page of pages(choice, range, "csv", next, signal)) {
    text += text ? page.slice(page.indexOf("\n") + 1) : page;
  }
  return text;
}

/** Every hour from begin to end; null for an hour without data. */
export function grid(found, { begin, end }) {
  const hours = [];
  for (let at = begin; at <= end; at += HOUR) hours.push({ at, hour: found.get(at) ?? null });
  return hours;
}
