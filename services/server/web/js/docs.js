// The page of the interface: shows the OpenAPI document, and lets its requests be tried.

import { byId, make } from "./dom.js";
import { field, properties, typeOf } from "./schema.js";

/** More of an answer is cut: it is there to be looked at. */
const MOST_SHOWN = 20_000;

const anchor = (method, path) => `${method}${path.replace(/[^a-z0-9]+/g, "-")}`;

function rows(pairs) {
  return make("dl", { className: "rows" }, ...pairs.flatMap(([term, ...told]) => [make("dt", {}, ...[term].flat()), make("dd", {}, ...told)]));
}

function parameters(all) {
  return rows(all.map((parameter) => [
    [make("code", {}, parameter.name), ...(parameter.required ? [make("span", { className: "must" }, "must")] : [])],
    typeOf(parameter.schema), parameter.description ? `: ${parameter.description}` : "",
    parameter.example === undefined ? "" : make("span", { className: "hint" }, ` for example ${parameter.example}`),
  ]));
}

function responses(document, all) {
  return rows(Object.entries(all).map(([status, found]) => {
    const response = found.$ref ? document.components.responses[found.$ref.split("/").pop()] : found;
    const kinds = Object.entries(response.content ?? {}).flatMap(([kind, { schema }]) => [
      make("br"), make("code", {}, kind), " ", schema ? typeOf(schema) : "",
    ]);
    return [make("code", {}, status), response.description, ...kinds];
  }));
}

function section(document, method, path, operation) {
  const parts = [
    make("h2", {}, make("span", { className: "method" }, method.toUpperCase()), path),
    make("p", {}, operation.summary ?? ""),
    ...(operation.description ? [make("p", { className: "hint" }, operation.description)] : []),
  ];
  if (operation.parameters) parts.push(make("h3", {}, "Parameters"), parameters(operation.parameters));
  const body = operation.requestBody?.content["application/json"].schema;
  if (body) parts.push(make("h3", {}, "Body"), make("p", {}, typeOf(body)));
  parts.push(make("h3", {}, "Answers"), responses(document, operation.responses), trial(document, method, path, operation, body));
  return make("section", { className: "card operation", id: anchor(method, path) }, ...parts);
}

/** A form that sends the request. */
function trial(document, method, path, operation, body) {
  const inputs = (operation.parameters ?? []).map((parameter) => [parameter.name, field(document, parameter)]);
  const text = body && make("textarea", { value: JSON.stringify(example(document, body), null, 2), spellcheck: false });
  const shown = make("pre", { tabIndex: 0, hidden: true, role: "region" });
  shown.setAttribute("aria-label", `Answer of ${path}`);
  shown.setAttribute("aria-live", "polite");
  const form = make("form", {},
    ...inputs.map(([name, input]) => make("label", {}, name, input)),
    ...(text ? [make("label", {}, "Body", text)] : []),
    make("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = inputs.filter(([, input]) => input.value !== "").map(([name, input]) => [name, input.value]);
    const query = given.length ? `?${new URLSearchParams(given)}` : "";
    shown.hidden = false;
    shown.textContent = "Asking";
    shown.textContent = await send(method, path + query, text?.value);
  });
  return make("details", { className: "try" }, make("summary", {}, "Try it"), form, shown);
}

async function send(method, path, body) {
  try {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(path, { method: method.toUpperCase(), body, headers });
    const text = await response.text();
    const cut = text.length > MOST_SHOWN ? `\n… and ${text.length - MOST_SHOWN} characters more` : "";
    return `${method.toUpperCase()} ${path}\n${response.status} ${response.headers.get("content-type") ?? ""}\n\n${pretty(text).slice(0, MOST_SHOWN)}${cut}`;
  } catch {
    return "The server does not answer.";
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** What must be given, by the document's own examples. */
function example(document, schema) {
  const shape = schema.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema;
  const must = Object.entries(shape.properties).filter(([name]) => shape.required?.includes(name));
  return Object.fromEntries(must.map(([name, { example, examples }]) => [name, example ?? examples?.[0] ?? ""]));
}

function show(document) {
  byId("title").textContent = `${document.info.title} ${document.info.version}`;
  byId("about").textContent = document.info.description;
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const contents = document.tags.flatMap(({ name, description }) => [
    make("h2", {}, description),
    ...all.filter(({ operation }) => operation.tags.includes(name))
      .map(({ method, path }) => make("a", { href: `#${anchor(method, path)}` }, `${method.toUpperCase()} ${path}`)),
  ]);
  byId("contents").replaceChildren(...contents, make("h2", {}, "And"), make("a", { href: "#shapes" }, "Shapes"));
  byId("operations").replaceChildren(...all.map(({ path, method, operation }) => section(document, method, path, operation)));
  byId("schemas").replaceChildren(...Object.entries(document.components.schemas).map(([name, schema]) =>
    make("div", { className: "shape", id: `shape-${name}` }, make("h3", {}, name), make("p", { className: "hint" }, schema.description ?? ""), rows(properties(schema)))));
}

try {
  const response = await fetch("/openapi.json");
  show(await response.json());
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
} catch {
  byId("notice").textContent = "The server does not answer: load the page again.";
  byId("notice").hidden = false;
}
byId("main").ariaBusy = "false";
