// The answer as text with its interval, and the estimates of the relation.

import { VARIABLES } from "./choice.js";
import { arrived, byId, list, make, number } from "./dom.js";

/** The minimum half-width of the interval chart, in classes. */
const MIN_REACH = 0.1;

const minus = (text) => text.replace(/-(?=\d)/g, "−");

/** The comparison of wet and dry hours: `found` is the relation of precipitation. */
export function showWet(found, city) {
  byId("question").textContent = `Does rain make ${city.name}’s posts less joyful?`;
  const sentence = byId("wet-sentence");
  sentence.textContent = minus(found.wet_sentence ?? "Not enough data.");
  arrived(sentence);
  const interval = byId("wet-interval");
  interval.hidden = !found.wet_against_dry;
  if (found.wet_against_dry) drawInterval(interval, found.wet_against_dry.difference);
}

/** Draws a difference with its interval around 0. */
export function drawInterval(host, { value, low, high }) {
  const reach = Math.max(MIN_REACH, Math.abs(low), Math.abs(high)) * 1.15;
  const place = (at) => `${((at + reach) / (2 * reach)) * 100}%`;
  const [zero, bar, best] = ["zero", "reach", "best"].map((name) => make("span", { className: name }));
  zero.style.left = place(0);
  bar.style.left = place(low);
  bar.style.width = `${((high - low) / (2 * reach)) * 100}%`;
  best.style.left = place(value);
  host.replaceChildren(
    make("div", { className: "track" }, zero, bar, best),
    make("div", { className: "ends" }, ...["← less joyful in wet hours", "no difference", "more joyful →"].map((text) => make("span", {}, text))),
  );
  host.setAttribute(
    "aria-label",
    `Difference of wet and dry hours: ${number(value, 2)} classes, 95 % interval ${number(low, 2)} to ${number(high, 2)}; 0 is no difference.`,
  );
}

/** The selected variable: `found` is its relation, `points` the number of hours in the scatter plot,
 * `cycles` whether the relation is adjusted for cycles. */
export function showRelation(found, points, cycles) {
  const sentence = byId("sentence");
  // The sentence on wet hours is shown above.
  sentence.textContent = minus(found.wet_sentence ? found.sentence.replace(found.wet_sentence, "").trim() || found.sentence : found.sentence);
  arrived(sentence, byId("scatter"));
  const { name } = VARIABLES[found.variable];
  byId("scatter").setAttribute("aria-label", `${points} hours by ${name} and feeling. ${found.sentence}`);
  const adjusted = cycles ? " The slope is adjusted for the hour of the day and the day of the week; the dots are not." : "";
  byId("scatter-caption").textContent = found.relation
    ? `Each dot is an hour. The line is the fitted slope, the shaded area its 95 % interval.${adjusted}`
    : "Each dot is an hour.";
  byId("figures-card").hidden = !found.relation;
  list(byId("figures"), found.relation ? figures(found.relation) : []);
}

function figures(relation) {
  const within = ({ value, low, high }, digits, unit = "") => [
    number(value, digits), make("span", { className: "fine" }, `${number(low, digits)} to ${number(high, digits)}${unit}`),
  ];
  return [
    ["Correlation", within(relation.pearson, 2)],
    ["Rank correlation", [number(relation.spearman, 2)]],
    ["Slope", within(relation.slope, 4, ` ${relation.slope_unit}`)],
    ["p-value", [relation.p_value < 0.001 ? "< 0.001" : number(relation.p_value, 3)]],
    ["Hours", [number(relation.hours, 0), make("span", { className: "fine" }, `effective sample size ${number(relation.independent_hours, 0)}`)]],
  ];
}
