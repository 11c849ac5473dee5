// Takes the README's screenshots of the page from its own demo: node pictures.js FOLDER

import { SIZES, launch, shown } from "./browser.js";
import { start } from "./demo.js";

const MAX_HEIGHT = { wide: 1900, narrow: 1700 };

const [folder] = process.argv.slice(2);
const demo = await start(process.env.MOODVANE ?? "../../../target/debug/moodvane", ["--days", "84"]);
const browser = await launch();
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
    await page.goto(`${demo.url}/?variable=precipitation`);
    await shown(page);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await page.screenshot({
      path: `${folder}/page-${size}-${colorScheme}.jpg`, quality: 82, fullPage: true,
      clip: { x: 0, y: 0, width: viewport.width, height: MAX_HEIGHT[size] },
    });
    await page.close();
  }
}
await browser.close();
await demo.stop();
