// The browser: Debian's chromium, or the one named in the environment.

import { chromium } from "playwright-core";

export const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium cannot create its sandbox as root in a container.
  args: ["--no-sandbox", "--disable-gpu"],
});

/** Waits until the page shows the selected data. */
export const shown = (page) =>
  page.locator("#main[aria-busy=false] #wet-sentence:not(.waiting)").waitFor({ state: "attached" });
