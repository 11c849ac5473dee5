// Small helpers over the document. Text is always set as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** An element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Says something to those who listen to the page; the same words are said again too. */
export function say(text) {
  const live = byId("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

/** Terms and what they are, in place of what was there. */
export function list(host, pairs) {
  host.replaceChildren(...pairs.flatMap(([term, told]) => [make("dt", {}, term), make("dd", {}, ...[told].flat())]));
}

/** Takes the look of waiting from an element. */
export const arrived = (...elements) => elements.forEach((element) => element.classList.remove("waiting"));

export const number = (value, digits) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
