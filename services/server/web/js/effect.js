// The effect of the weather: sentence, checks and figures.

import { drawInterval } from "./answer.js";
import { arrived, byId, make } from "./dom.js";

const MARKS = { passed: ["✓", "passed"], warning: ["!", "warning"], unknown: ["–", "not possible"] };
const minus = (text) => text.replace(/-(?=\d)/g, "−");

/** The question of one city, or of all. */
export const question = (names) =>
  names.length === 1 ? `Does rain make ${names[0]}’s posts less joyful?` : "Does rain make posts less joyful?";

/** Shows how far the computation is. */
export function showProgress({ done, total, step }) {
  const sentence = byId("wet-sentence");
  arrived(sentence);
  sentence.textContent = `Computing: ${step}`;
  const bar = byId("progress");
  bar.hidden = false;
  bar.max = total;
  bar.value = done;
}

/** Shows an answer of /v1/effect with its figures. */
export function showEffect(found) {
  byId("progress").hidden = true;
  byId("question").textContent = question(found.cities.map(({ name }) => name));
  const sentence = byId("wet-sentence");
  sentence.textContent = minus(found.sentence);
  sentence.dataset.verdict = found.verdict;
  arrived(sentence);
  byId("proportion").textContent = minus(found.proportion ?? "");
  byId("proportion").hidden = !found.proportion;
  const interval = byId("wet-interval");
  interval.hidden = !found.effect;
  if (found.effect) drawInterval(interval, found.effect.rain.difference);
  showChecks(found.checks);
  const figures = found.figures ?? [];
  byId("evidence").hidden = figures.length === 0;
  byId("figures-list").replaceChildren(...figures.map(figure));
}

function showChecks(checks) {
  byId("checks-card").hidden = checks.length === 0;
  const items = checks.map(({ state, text }) => {
    const [mark, words] = MARKS[state];
    const icon = make("span", { className: "mark", ariaHidden: "true" }, mark);
    const item = make("li", {}, icon, make("span", {}, make("span", { className: "hidden" }, `${words}: `), minus(text)));
    item.dataset.state = state;
    return item;
  });
  byId("checks").replaceChildren(...items);
}

/** A figure with links to its files. The SVG is the server's own. */
function figure({ name, title, svg, csv }) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const drawing = document.importNode(parsed, true);
  drawing.id = `figure-${name}`;
  return make(
    "figure",
    { className: "figure" },
    make("figcaption", {}, make("span", {}, title), make("span", { className: "files" }, file(name, "svg", svg), file(name, "csv", csv))),
    make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: title }, drawing),
  );
}

const TYPES = { svg: "image/svg+xml", csv: "text/csv" };

/** A button that downloads a file of a figure. */
function file(name, kind, text) {
  const button = make("button", { type: "button", className: "small", ariaLabel: `Download ${name} as ${kind.toUpperCase()}` }, kind.toUpperCase());
  button.addEventListener("click", () => save(`moodvane-${name}.${kind}`, TYPES[kind], text));
  return button;
}

/** Saves a text as a file. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Hides what belongs to an effect. */
export function hideEffect() {
  for (const id of ["progress", "proportion", "evidence", "checks-card"]) byId(id).hidden = true;
}
