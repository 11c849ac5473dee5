// Hours: milliseconds since 1970 internally, local time of the city in the display, UTC in requests.

export const HOUR = 3_600_000;

const floor = (millis) => Math.floor(millis / HOUR) * HOUR;

/** An hour in the format of the API. */
export const apiHour = (millis) => new Date(millis).toISOString().slice(0, 13);

/** The offset of `zone` from UTC in milliseconds. */
function offsetOf(millis, zone) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", hourCycle: "h23",
  }).formatToParts(millis);
  const of = (type) => Number(parts.find((part) => part.type === type).value);
  const local = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"));
  return local - Math.floor(millis / 60_000) * 60_000;
}

/** The hour in which a day begins in `zone`. */
export function midnight(date, zone, daysLater = 0) {
  const wanted = Date.parse(`${date}T00:00Z`) + daysLater * 24 * HOUR;
  // The offset at the guess may differ from the one at the answer: clocks change at night.
  const guess = wanted - offsetOf(wanted, zone);
  return floor(wanted - offsetOf(guess, zone));
}

/** The day of a moment in `zone`, in the format of a date field. */
export const dayOf = (millis, zone) => new Date(millis + offsetOf(millis, zone)).toISOString().slice(0, 10);

/** The first and the last hour of a selection. */
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
