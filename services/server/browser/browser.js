// The browser: Debian's chromium, which the environment may name.

import { chromium } from "playwright-core";

export const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // As root, in a container, chromium's own sandbox cannot be made.
  args: ["--no-sandbox", "--disable-gpu"],
});

/** Waits until the page shows what it was asked for. */
export const shown = (page) =>
  page.locator("#main[aria-busy=false] #wet-sentence:not(.waiting)").waitFor({ state: "attached" });
