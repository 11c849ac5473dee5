// Helpers for the DOM. Text is always set as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** Creates an element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Announces a text to screen readers, also if it is the same as before. */
export function announce(text) {
  const live = byId("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

/** Replaces the terms and descriptions of a list. */
export function list(host, pairs) {
  host.replaceChildren(...pairs.flatMap(([term, details]) => [make("dt", {}, term), make("dd", {}, ...[details].flat())]));
}

/** Removes the placeholder style of elements. */
export const arrived = (...elements) => elements.forEach((element) => element.classList.remove("waiting"));

export const number = (value, digits) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
