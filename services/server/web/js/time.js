// Hours: milliseconds since 1970 inside, the city's clocks outside. The API is asked in UTC.

export const HOUR = 3_600_000;

const floor = (millis) => Math.floor(millis / HOUR) * HOUR;

/** An hour as the API reads it. */
export const asked = (millis) => new Date(millis).toISOString().slice(0, 13);

/** How far the clocks of `zone` are ahead of UTC, in milliseconds. */
function ahead(millis, zone) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", hourCycle: "h23",
  }).formatToParts(millis);
  const of = (type) => Number(parts.find((part) => part.type === type).value);
  const told = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"));
  return told - Math.floor(millis / 60_000) * 60_000;
}

/** The hour in which a day begins on the clocks of `zone`. */
export function midnight(date, zone, daysLater = 0) {
  const wanted = Date.parse(`${date}T00:00Z`) + daysLater * 24 * HOUR;
  // The offset at the guess may differ from the one at the answer: clocks change at night.
  const guess = wanted - ahead(wanted, zone);
  return floor(wanted - ahead(guess, zone));
}

/** The day of a moment on the clocks of `zone`, as a date field writes it. */
export const dayOf = (millis, zone) => new Date(millis + ahead(millis, zone)).toISOString().slice(0, 10);

/** The first and the last hour of a choice. */
export function hoursOf(choice, days, zone, now) {
  if (choice.range === "dates") {
    return { begin: midnight(choice.from, zone), end: midnight(choice.to, zone, 1) - HOUR };
  }
  const end = floor(now);
  return { begin: end - days * 24 * HOUR + HOUR, end };
}

const formats = new Map();
function format(millis, zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(key).format(millis);
}

export const day = (millis, zone) => format(millis, zone, { day: "numeric", month: "short" });
export const clock = (millis, zone) => format(millis, zone, { hour: "2-digit", minute: "2-digit" });
export const moment = (millis, zone) =>
  format(millis, zone, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

/** How long ago, in words, to the hour. */
export function ago(millis, now) {
  const hours = Math.round((floor(now) - millis) / HOUR);
  if (hours <= 0) return "this hour";
  if (hours === 1) return "an hour ago";
  if (hours < 48) return `${hours} hours ago`;
  return `${Math.round(hours / 24)} days ago`;
}
