// Descriptions of JSON schemas.

import { make } from "./dom.js";

/** The type of a schema, with a link to its description. */
export function typeOf(schema) {
  const parts = name(schema).flatMap((part, at) => (at ? [" or ", part] : [part]));
  return make("span", { className: "type" }, ...parts);
}

function name(schema) {
  if (schema.$ref) {
    const shape = schema.$ref.split("/").pop();
    return [make("a", { href: `#shape-${shape}` }, shape)];
  }
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return choices.flatMap(name);
  if (schema.enum) return schema.enum.map(String);
  const types = [schema.type ?? "anything"].flat();
  return types.map((type) => (type === "array" && schema.items ? make("span", {}, "list of ", ...name(schema.items)) : type));
}

/** The members of a schema: name, whether it is required, type, description. */
export function properties(schema) {
  if (schema.enum) return [["one of", schema.enum.join(", ")]];
  return Object.entries(schema.properties ?? {}).map(([member, of]) => {
    const required = schema.required?.includes(member) ? [make("span", { className: "must" }, "always")] : [];
    return [[make("code", {}, member), ...required], typeOf(of), of.description ? `: ${of.description}` : ""];
  });
}

function enumValues(document, schema) {
  if (schema.$ref) return enumValues(document, document.components.schemas[schema.$ref.split("/").pop()]);
  return schema.enum ?? (schema.oneOf ?? []).flatMap((choice) => enumValues(document, choice));
}

/** The input of a parameter. */
export function field(document, { schema, required, example }) {
  const values = enumValues(document, schema);
  if (!values.length) return make("input", { type: "text", value: example ?? "", required: required ?? false });
  const options = [...(required ? [] : [""]), ...values];
  return make("select", {}, ...options.map((value) => make("option", { value }, value)));
}
