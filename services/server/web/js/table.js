// The hours of the charts as a table.

import { VARIABLES } from "./choice.js";
import { byId, make, number, announce } from "./dom.js";
import { moment } from "./time.js";

const PAGE = 24;

export class HoursTable {
  #rows = []; #page = 0; #zone = "UTC";

  constructor() {
    const head = ["Hour", "Feeling", "Standard error", "Posts"];
    const weather = Object.values(VARIABLES).map(({ name, unit }) => `${name[0].toUpperCase()}${name.slice(1)}, ${unit}`);
    const cells = [...head, ...weather].map((text) => make("th", { scope: "col" }, text));
    byId("table").tHead.replaceChildren(make("tr", {}, ...cells));
    byId("newer").addEventListener("click", () => this.#turn(-1));
    byId("older").addEventListener("click", () => this.#turn(1));
  }

  /** Shows these hours, newest first; stays on the current page if `keep` is set. */
  show(hours, zone, keep) {
    this.#rows = hours.filter(({ hour }) => hour).reverse();
    this.#zone = zone;
    if (!keep) this.#page = 0;
    this.#draw();
  }

  #turn(by) {
    this.#page += by;
    this.#draw();
    announce(byId("caption").textContent);
  }

  #draw() {
    const last = Math.max(0, Math.ceil(this.#rows.length / PAGE) - 1);
    this.#page = Math.min(Math.max(0, this.#page), last);
    const from = this.#page * PAGE;
    const shown = this.#rows.slice(from, from + PAGE);
    byId("table").tBodies[0].replaceChildren(...shown.map((row) => this.#row(row)));
    byId("caption").textContent = shown.length
      ? `Hours ${from + 1} to ${from + shown.length} of ${this.#rows.length}, newest first`
      : "No hours";
    byId("newer").disabled = this.#page === 0;
    byId("older").disabled = this.#page === last;
  }

  #row({ at, hour }) {
    const weather = Object.entries(VARIABLES).map(([id, { digits }]) => number(hour.weather[id]?.value, digits));
    const cells = [number(hour.feeling, 2), number(hour.standard_error, 2), String(hour.posts), ...weather];
    return make("tr", {}, make("th", { scope: "row" }, moment(at, this.#zone)), ...cells.map((text) => make("td", {}, text)));
  }
}
