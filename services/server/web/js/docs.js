// The API reference: displays the OpenAPI document and sends example requests.

import { byId, make } from "./dom.js";
import { field, properties, typeOf } from "./schema.js";

/** Longer responses are truncated. */
const MAX_SHOWN = 20_000;

/** The operations that come first, in this order; all others follow in the order of the document. */
const FIRST_PATHS = ["/v1/hours", "/v1/relation", "/v1/cities", "/v1/status", "/weather", "/test"];

const anchor = (method, path) => `${method}${path.replace(/[^a-z0-9]+/g, "-")}`;

function rows(pairs) {
  return make("dl", { className: "rows" }, ...pairs.flatMap(([term, ...details]) => [make("dt", {}, ...[term].flat()), make("dd", {}, ...details)]));
}

function parameters(all) {
  return rows(all.map((parameter) => [
    [make("code", {}, parameter.name), ...(parameter.required ? [make("span", { className: "must" }, "required")] : [])],
    typeOf(parameter.schema), parameter.description ? `: ${parameter.description}` : "",
    parameter.example === undefined ? "" : make("span", { className: "hint" }, ` for example ${parameter.example}`),
  ]));
}

function responses(document, all) {
  return rows(Object.entries(all).map(([status, found]) => {
    const response = found.$ref ? document.components.responses[found.$ref.split("/").pop()] : found;
    const contents = Object.entries(response.content ?? {}).flatMap(([contentType, { schema }]) => [
      make("br"), make("code", {}, contentType), " ", schema ? typeOf(schema) : "",
    ]);
    return [make("code", {}, status), response.description, ...contents];
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
  parts.push(make("h3", {}, "Responses"), responses(document, operation.responses), requestForm(document, method, path, operation, body));
  return make("section", { className: "card operation", id: anchor(method, path) }, ...parts);
}

/** A form that sends the request. */
function requestForm(document, method, path, operation, body) {
  const inputs = (operation.parameters ?? []).map((parameter) => [parameter.name, field(document, parameter)]);
  const text = body && make("textarea", { value: JSON.stringify(exampleOf(document, body), null, 2), spellcheck: false });
  const shown = make("pre", { tabIndex: 0, hidden: true, role: "region" });
  shown.setAttribute("aria-label", `Response of ${path}`);
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
    shown.textContent = "Sending";
    shown.textContent = await send(method, path + query, text?.value);
  });
  return make("details", { className: "try" }, make("summary", {}, "Try it"), form, shown);
}

async function send(method, path, body) {
  try {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(path, { method: method.toUpperCase(), body, headers });
    const text = await response.text();
    const cut = text.length > MAX_SHOWN ? `\n… and ${text.length - MAX_SHOWN} more characters` : "";
    return `${method.toUpperCase()} ${path}\n${response.status} ${response.headers.get("content-type") ?? ""}\n\n${pretty(text).slice(0, MAX_SHOWN)}${cut}`;
  } catch {
    return "The server is unreachable.";
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The required members with the examples of the document. */
function exampleOf(document, schema) {
  const shape = schema.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema;
  const required = Object.entries(shape.properties).filter(([name]) => shape.required?.includes(name));
  return Object.fromEntries(required.map(([name, { example, examples }]) => [name, example ?? examples?.[0] ?? ""]));
}

/** All operations, in the order in which they are shown. */
function operationsOf(document) {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const rank = ({ path }) => (FIRST_PATHS.includes(path) ? FIRST_PATHS.indexOf(path) : FIRST_PATHS.length);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** The tags in the order of their first operations. */
function tagsOf(document, operations) {
  const first = ({ name }) => operations.findIndex(({ operation }) => operation.tags.includes(name));
  return [...document.tags].sort((a, b) => first(a) - first(b));
}

function show(document) {
  byId("title").textContent = `${document.info.title} ${document.info.version}`;
  byId("about").textContent = document.info.description;
  const all = operationsOf(document);
  const contents = tagsOf(document, all).flatMap(({ name, description }) => [
    make("h2", {}, description),
    ...all.filter(({ operation }) => operation.tags.includes(name))
      .map(({ method, path }) => make("a", { href: `#${anchor(method, path)}` }, `${method.toUpperCase()} ${path}`)),
  ]);
  byId("contents").replaceChildren(...contents, make("h2", {}, "Types"), make("a", { href: "#shapes" }, "Schemas"));
  byId("operations").replaceChildren(...all.map(({ path, method, operation }) => section(document, method, path, operation)));
  byId("schemas").replaceChildren(...Object.entries(document.components.schemas).map(([name, schema]) =>
    make("div", { className: "shape", id: `shape-${name}` }, make("h3", {}, name), make("p", { className: "hint" }, schema.description ?? ""), rows(properties(schema)))));
}

try {
  const response = await fetch("/openapi.json");
  show(await response.json());
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
} catch {
  byId("notice").textContent = "The server is unreachable: reload the page.";
  byId("notice").hidden = false;
}
byId("main").ariaBusy = "false";
