// The demo's three cities with their planted effects, on a free port, in its own folder.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const FLAGS = ["demo", "--posts-per-hour", "60"];
/** An effect needs eight weeks. */
const DAYS = ["--days", "70"];

/** Starts the demo and waits until its history is loaded. `stop()` ends it. */
export async function start(binary, days = DAYS) {
  const folder = await mkdtemp(join(tmpdir(), "moodvane-browser-"));
  const run = (port) => spawnDemo(binary, [...FLAGS, ...days, "--port", port], folder);
  let { child, url } = await run("0");
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  };
  return {
    url,
    /** Stops the server; `again` starts it on the same port. */
    end,
    again: async () => ({ child } = await run(new URL(url).port)),
    stop: async () => {
      await end();
      await rm(folder, { recursive: true });
    },
  };
}

async function spawnDemo(binary, flags, folder) {
  const child = spawn(binary, [...flags, "--data", folder], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH, MOODVANE_LOGGING__LEVEL: "warn" } });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /curl -s (http:\S+)\/weather/.exec(line)?.[1];
    if (url) {
      child.stdout.resume();
      return { child, url };
    }
  }
  throw new Error("the demo ended before its history was loaded");
}
