// The form for the selection.

import { isLive } from "./choice.js";
import { byId, make } from "./dom.js";
import { HOUR, dayOf } from "./time.js";

export class Controls {
  #form = byId("choice"); #choice = null; #zoneOf;

  /** Calls `changed(choice)` for each complete new selection. */
  constructor(cities, changed) {
    const zones = new Map(cities.cities.map(({ id, zone }) => [id, zone]));
    this.#zoneOf = (id) => zones.get(id);
    byId("city").replaceChildren(...cities.cities.map(({ id, name }) => make("option", { value: id }, name)));
    byId("city").disabled = cities.cities.length < 2;
    byId("cities-field").hidden = cities.cities.length < 2;
    const read = (event) => {
      const choice = this.#read(event.target);
      if (choice) changed(choice);
    };
    this.#form.addEventListener("change", read);
    byId("cycles").addEventListener("change", read);
    this.#form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Shows a selection. */
  show(choice) {
    this.#choice = choice;
    byId("city").value = choice.city;
    byId("variable").value = choice.variable;
    byId("cycles").checked = choice.cycles;
    byId("talk").value = choice.talk;
    this.#form.elements.cities.value = choice.cities;
    this.#form.elements.method.value = choice.method;
    this.#form.elements.range.value = choice.range;
    byId("dates").hidden = isLive(choice);
    byId("from").value = choice.from;
    byId("to").value = choice.to;
  }

  /** The current selection; null while the dates are incomplete. */
  #read(changed) {
    const range = this.#form.elements.range.value;
    if (changed.name === "range" && range === "dates") this.#setDefaultDates();
    const [from, to] = [byId("from"), byId("to")];
    byId("dates").hidden = range !== "dates";
    to.setCustomValidity(from.value && to.value && to.value < from.value ? "The last day is before the first day" : "");
    const dated = range === "dates";
    if (dated && !(from.value && to.value && to.reportValidity())) return null;
    return {
      city: byId("city").value || this.#choice.city,
      cities: this.#form.elements.cities.value,
      method: this.#form.elements.method.value,
      talk: byId("talk").value,
      variable: byId("variable").value,
      range,
      from: dated ? from.value : "",
      to: dated ? to.value : "",
      cycles: byId("cycles").checked,
    };
  }

  /** Fills in the last week. */
  #setDefaultDates() {
    if (byId("from").value && byId("to").value) return;
    const [now, zone] = [Date.now(), this.#zoneOf(this.#choice.city)];
    byId("from").value = dayOf(now - 6 * 24 * HOUR, zone);
    byId("to").value = dayOf(now, zone);
  }
}
