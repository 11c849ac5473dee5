// The selection: city or all cities, method, weather, range, posts, cycles. The URL stores it, so that a link restores it.

export const VARIABLES = {
  temperature: { name: "temperature", unit: "°C", digits: 1 },
  precipitation: { name: "rain and snow", unit: "mm/h", digits: 1 },
  humidity: { name: "humidity", unit: "%", digits: 0 },
  wind: { name: "wind speed", unit: "m/s", digits: 1 },
  cloud: { name: "cloud cover", unit: "%", digits: 0 },
  pressure: { name: "air pressure", unit: "hPa", digits: 0 },
};
export const DAYS = { "7d": 7, "30d": 30, "90d": 90, "365d": 365 };
const TALKS = ["without", "all", "only"];
const METHODS = ["effect", "correlation"];
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The value if it is one of `known`, otherwise the first of them. */
const among = (known, value) => (known.includes(value) ? value : known[0]);

/** Parses the selection of a query string; missing and invalid values become defaults. */
export function read(search, cities) {
  const query = new URLSearchParams(search);
  const known = cities.cities.some((city) => city.id === query.get("city"));
  const range = query.get("range");
  const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
  const dated = range === "dates" && DATE.test(from) && DATE.test(to);
  return {
    city: known ? query.get("city") : cities.default,
    variable: Object.hasOwn(VARIABLES, query.get("variable")) ? query.get("variable") : "temperature",
    cities: query.get("cities") === "all" && cities.cities.length > 1 ? "all" : "one",
    method: among(METHODS, query.get("method")),
    talk: among(TALKS, query.get("talk")),
    range: dated || Object.hasOwn(DAYS, range) ? range : "90d",
    from: dated ? from : "",
    to: dated ? to : "",
    cycles: query.get("cycles") === "out",
  };
}

/** The query string of a selection. */
export function write(choice) {
  const query = new URLSearchParams({ city: choice.city, variable: choice.variable, range: choice.range });
  if (choice.range === "dates") {
    query.set("from", choice.from);
    query.set("to", choice.to);
  }
  if (choice.cities === "all") query.set("cities", "all");
  if (choice.method !== METHODS[0]) query.set("method", choice.method);
  if (choice.talk !== TALKS[0]) query.set("talk", choice.talk);
  if (choice.cycles) query.set("cycles", "out");
  return `?${query}`;
}

/** Whether the range ends now and therefore grows. */
export const isLive = (choice) => choice.range !== "dates";
