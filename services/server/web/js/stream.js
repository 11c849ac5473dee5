// Server-sent events over fetch, which unlike EventSource sees the status of the response.

/** The events of a response in order, each with its name and its parsed data. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const complete = text.split("\n\n");
    text = complete.pop();
    for (const event of complete) {
      const found = parse(event);
      if (found) yield found;
    }
  }
}

/** The event of a block of lines; null for a comment, which keeps the connection open. */
function parse(block) {
  const field = (name) =>
    block.split("\n").filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart()).join("\n");
  const name = field("event");
  return name ? { name, data: JSON.parse(field("data")) } : null;
}
