// Requests to the API. Every failure is a Problem with a readable message.

import { HOUR, apiHour } from "./time.js";

const TIMEOUT_MS = 20_000;
const PAGE_HOURS = 1000;
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

async function request(path, signal, retries = MAX_RETRIES) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("The server is unreachable.", { retryable: true });
  }
  if (response.ok) return response;
  if (response.status === 429 && retries > 0) {
    await delay(Number(response.headers.get("retry-after")) || 1);
    return request(path, signal, retries - 1);
  }
  const problem = await response.json().catch(() => ({}));
  throw new Problem(problem.detail ?? `The server returned status ${response.status}.`, {
    field: problem.field,
    retryable: response.status >= 500 || response.status === 429,
  });
}

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
export function relation({ city, variable, cycles }, { begin, end }, signal) {
  const adjustment = cycles ? { cycles: "daily-and-weekly" } : {};
  return read(`/v1/relation?${query({ city, variable, begin: apiHour(begin), end: apiHour(end), ...adjustment })}`, signal);
}

/** Pages of hours, in order; `next` returns the path of the page after a response. */
async function* pages(city, { begin, end }, format, next, signal) {
  const first = query({ city, begin: apiHour(begin), end: apiHour(end), format });
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
export async function hours(city, range, signal) {
  const found = new Map();
  for await (const page of pages(city, range, "json", (_, page) => page.next, signal)) {
    for (const hour of page.hours) found.set(Date.parse(hour.hour), hour);
  }
  return found;
}

/** The same as one CSV text with one header. */
export async function csv(city, range, signal) {
  const next = (response) => /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  let text = "";
  for await (const page of pages(city, range, "csv", next, signal)) {
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
