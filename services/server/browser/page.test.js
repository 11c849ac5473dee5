// The page over the demo, in a real browser. MOODVANE names the binary.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { SIZES, launch, shown } from "./browser.js";
import { start } from "./demo.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SEVERE = ["serious", "critical"];

let demo, browser, context, page, faults, hosts;

before(async () => {
  [demo, browser] = await Promise.all([start(process.env.MOODVANE ?? "../../../target/debug/moodvane"), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});
beforeEach(() => open());
afterEach(async () => {
  await context.close();
  assert.deepEqual(faults, [], "the console has errors");
  assert.deepEqual([...hosts], [new URL(demo.url).host], "a request went to another host");
});

async function open(options = {}) {
  await context?.close();
  // Only the accessibility tests set bypassCSP, for the script of the checker.
  context = await browser.newContext({ viewport: SIZES.wide, reducedMotion: "reduce", acceptDownloads: true, ...options });
  page = await context.newPage();
  [faults, hosts] = [[], new Set()];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => !request.url().startsWith("blob:") && hosts.add(new URL(request.url()).host));
}

const go = async (query = "") => {
  await page.goto(`${demo.url}/${query}`);
  await shown(page);
};
const text = (selector) => page.locator(selector).innerText();
const answered = (path) => page.waitForResponse((response) => response.url().includes(path) && response.ok());

/** A number as the table shows it. The world has hours without posts. */
const shownNumber = (value) => (value === null ? "–" : value.toFixed(2));

/** The number of drawn pixels of a canvas. */
const drawn = (selector) => page.locator(`${selector} canvas`).evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, at) => at % 4 === 3 && data[at] > 0).length;
});

test("shows the data of the demo", async () => {
  await go("?method=correlation&talk=all");
  assert.equal(await text("#question"), "Does rain make New York’s posts less joyful?");
  assert.equal(await text("#health"), "Up to date");
  const sources = await text("#sources");
  assert.match(sources, /bluesky/);
  assert.match(sources, /open-meteo/);
  for (const chart of ["#feeling-chart", "#weather-chart", "#scatter"]) {
    assert.ok(await drawn(chart) > 1000, chart);
  }
  const hours = await (await fetch(`${demo.url}/v1/hours?${new URLSearchParams(lastDay())}`)).json();
  const row = page.locator("#table tbody tr").nth(1);
  const known = hours.hours.at(-2);
  assert.equal(await row.locator("td").first().innerText(), shownNumber(known.feeling));
  assert.equal(await row.locator("td").nth(2).innerText(), String(known.posts));
});

function lastDay() {
  const hour = (before) => new Date(Date.now() - before * 3_600_000).toISOString().slice(0, 13);
  return { begin: hour(23), end: hour(0) };
}

test("shows the planted effect of rain with its interval and checks", async () => {
  await go();
  const sentence = await text("#wet-sentence");
  const found = /^In rain, New York's posts that do not speak of the weather are (\d\.\d\d) classes less joyful than in dry hours of the same season, weekday and time \(95 % interval (\d\.\d\d) to (\d\.\d\d)\)\. With the posts about the weather the difference is −\d\.\d\d classes\./.exec(sentence);
  assert.ok(found, sentence);
  const [best, low, high] = found.slice(1).map(Number);
  assert.ok(low <= best && best <= high, sentence);
  const picture = await page.locator("#wet-interval").getAttribute("aria-label");
  assert.match(picture, new RegExp(`−${best.toFixed(2)} classes`));
  assert.match(await text("#talk-note"), /left out/);
  assert.ok(await page.locator("#checks li").count() >= 4);
  for (const title of ["Temperature", "Precipitation", "by when it falls"]) {
    assert.ok(await page.locator("#evidence figure", { hasText: title }).locator("svg").isVisible(), title);
  }
  assert.ok(await page.locator("#together").isHidden());
});

test("all cities have a forest, and every figure can be downloaded", async () => {
  await go("?cities=all");
  assert.equal(await text("#question"), "Does rain make posts less joyful?");
  const forest = page.locator("#evidence figure", { hasText: "each city alone" });
  for (const city of ["New York", "London", "Singapore", "All together"]) {
    assert.ok(await forest.locator("text", { hasText: city }).count() > 0, city);
  }
  for (const [kind, first] of [["SVG", /^<svg xmlns/], ["CSV", /^city,difference,low,high,/]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), forest.getByRole("button", { name: `Download cities as ${kind}` }).click()]);
    assert.equal(download.suggestedFilename(), `moodvane-cities.${kind.toLowerCase()}`);
    assert.match(await readFile(await download.path(), "utf8"), first);
  }
  const report = await (await fetch(new URL(await page.locator("#report").getAttribute("href"), demo.url))).text();
  assert.match(report, /<h2>Data and model<\/h2>/);
});

test("the simple correlation is a switch and differs from the effect", async () => {
  await go("?talk=all");
  const effect = await text("#wet-sentence");
  const answer = answered("/v1/relation");
  await page.getByRole("radio", { name: "Simple correlation" }).check();
  await answer;
  await page.locator("#together").waitFor();
  assert.match(await text("#wet-sentence"), /^(Posts of wet hours are|No difference between)/);
  assert.notEqual(await text("#wet-sentence"), effect);
  assert.ok(await page.locator("#evidence").isHidden());
  assert.equal(new URL(page.url()).searchParams.get("method"), "correlation");
});

test("the URL restores range, variable and cycles", async () => {
  await go("?method=correlation");
  const before = await text("#caption");
  const answer = answered("/v1/relation");
  await page.getByRole("radio", { name: "7 days" }).check();
  await answer;
  await page.waitForFunction((before) => document.getElementById("caption").innerText !== before, before);
  assert.match(await text("#caption"), /of 168, newest first$/);
  await page.locator("#variable").selectOption("humidity");
  await page.locator("#weather-title", { hasText: "Humidity, %" }).waitFor();
  await page.getByLabel(/Adjust for the hour of the day/).check();
  await page.locator("#scatter-caption", { hasText: "adjusted for the hour of the day" }).waitFor();
  const link = new URL(page.url());
  assert.deepEqual(Object.fromEntries(link.searchParams), { city: "new-york", variable: "humidity", range: "7d", method: "correlation", cycles: "out" });
  const sentence = await text("#sentence");
  await open();
  await go(link.search);
  assert.equal(await text("#sentence"), sentence);
  assert.ok(await page.locator("input[name=range][value='7d']").isChecked());
  await page.getByRole("radio", { name: "30 days" }).check();
  await page.goBack();
  await page.waitForFunction((sentence) => document.getElementById("sentence").innerText === sentence, sentence);
  assert.ok(await page.locator("input[name=range][value='7d']").isChecked());
});

test("days without data show an empty notice", async () => {
  await go("?range=dates&from=2018-01-01&to=2018-01-07");
  assert.match(await text("#empty-text"), /^There are no posts and no weather of New York from Mon,? 1 Jan 2018/);
  assert.ok(await page.locator("#answer").isHidden());
  await page.getByRole("button", { name: "Show the last year" }).click();
  await page.locator("#answer").waitFor();
  await page.getByRole("radio", { name: "Dates" }).check();
  await page.locator("#from").waitFor();
  await page.waitForURL(/from=/);
  assert.equal(new URL(page.url()).searchParams.get("range"), "dates");
});

test("downloads every hour of the range as CSV", async () => {
  await go("?range=7d");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
  assert.match(download.suggestedFilename(), /^moodvane-new-york-\d{4}-\d\d-\d\dT\d\d-\d{4}-\d\d-\d\dT\d\d\.csv$/);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  assert.match(lines[0], /^hour,posts,unscored,feeling,standard_error,/);
  assert.equal(lines.length, 1 + 168);
  const times = lines.slice(1).map((line) => Date.parse(line.split(",")[0]));
  assert.ok(times.every((time, at) => at === 0 || time - times[at - 1] === 3_600_000), "hours in order without duplicates");
  const shownFeeling = await page.locator("#table tbody tr").nth(1).locator("td").first().innerText();
  const written = lines.at(-2).split(",")[3];
  assert.equal(shownNumber(written === "" ? null : Number(written)), shownFeeling);
});

test("the keyboard reaches each hour and screen readers announce it", async () => {
  await go("?range=7d");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the answer");
  await page.locator("#time-charts").focus();
  await page.keyboard.press("ArrowLeft");
  const last = await text("#readout");
  assert.match(last, /: feeling (–|\d\.\d\d), temperature −?\d+\.\d °C, \d+ posts$/);
  await page.keyboard.press("Shift+ArrowLeft");
  const dayBefore = await text("#readout");
  assert.notEqual(dayBefore, last);
  await page.waitForFunction((announced) => document.getElementById("live").textContent === announced, dayBefore);
  await page.locator("#older").focus();
  await page.keyboard.press("Enter");
  assert.match(await text("#caption"), /^Hours 25 to 48 of 168/);
});

test("refreshes only the newest hours", async () => {
  await page.clock.install();
  await go("?range=7d");
  const answer = answered("/v1/hours");
  await page.clock.runFor(31_000);
  const url = new URL((await answer).url());
  const hours = (Date.parse(`${url.searchParams.get("end")}:00Z`) - Date.parse(`${url.searchParams.get("begin")}:00Z`)) / 3_600_000;
  assert.ok(hours <= 4, `${hours} hours were requested again`);
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`axe finds no severe violation, ${size} and ${colorScheme}`, async () => {
      await open({ colorScheme, viewport, bypassCSP: true });
      for (const path of ["", "?method=correlation", "?range=dates&from=2018-01-01&to=2018-01-02", "docs"]) {
        await page.goto(`${demo.url}/${path}`);
        await page.locator("#main[aria-busy=false]").waitFor();
        await page.addScriptTag({ path: AXE });
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const severe = violations.filter(({ impact }) => SEVERE.includes(impact));
        assert.deepEqual(severe.map(({ id, nodes }) => `${path} ${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(sideways <= 0, `${path} is ${sideways} px too wide`);
      }
    });
  }
}

test("the API reference starts with the hours and sends requests", async () => {
  await page.goto(`${demo.url}/docs`);
  const headings = page.locator(".operation h2");
  await headings.first().waitFor();
  const order = (await headings.allInnerTexts()).map((heading) => heading.replace(/^[A-Z]+\s*/, ""));
  assert.deepEqual(order.slice(0, 2), ["/v1/hours", "/v1/relation"]);
  const operation = page.locator("#get-v1-cities");
  await operation.getByText("Try it").click();
  await operation.getByRole("button", { name: "Send" }).click();
  await operation.locator("pre", { hasText: "200 application/json" }).waitFor();
  assert.match(await operation.locator("pre").innerText(), /"id": "new-york"/);
  const paths = Object.keys((await (await fetch(`${demo.url}/openapi.json`)).json()).paths);
  for (const path of paths) {
    assert.ok(await page.locator(".operation h2", { hasText: path }).count() > 0, path);
  }
});

test("retries a rate-limited request", async () => {
  let requests = 0;
  const refusal = { status: 429, headers: { "retry-after": "1" }, contentType: "application/problem+json", body: "{}" };
  await page.route("**/v1/relation?**", (route) => (requests++ === 0 ? route.fulfill(refusal) : route.continue()));
  await go("?method=correlation");
  assert.equal(requests, 3, "two relations, one of them twice");
  assert.ok(await page.locator("#notice").isHidden());
  faults = faults.filter((fault) => !fault.includes("429"));
});

test("keeps the data during an outage and recovers", async () => {
  await go("?range=7d&method=correlation");
  const sentence = await text("#wet-sentence");
  await demo.end();
  await page.getByRole("radio", { name: "30 days" }).check();
  await page.locator("#notice", { hasText: "The server is unreachable." }).waitFor();
  assert.equal(await text("#health"), "Unreachable");
  assert.equal(await text("#wet-sentence"), sentence);
  assert.match(await text("#notice-text"), /The data shown is from \d\d:\d\d/);
  await page.getByRole("button", { name: "Retry now" }).click();
  await demo.again();
  // The page also retries by itself.
  await page.locator("#notice").waitFor({ state: "hidden" });
  assert.equal(await text("#health"), "Up to date");
  // The browser logs each refused connection.
  faults = faults.filter((fault) => !fault.includes("ERR_CONNECTION_REFUSED"));
});
