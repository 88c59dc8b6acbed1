// The day as a table: what is recorded and each gap, for eyes and ears that prefer words to lanes.

import { dayOf } from "./scale.js";
import { clock, length, stateWord, date } from "./words.js";

/** @typedef {import("./page.js").TimelinePage} Page */

export class DayList {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.open = false;
    this._drawn = "";
  }

  toggle() {
    this.open = !this.open;
    const button = this.page.root.querySelector('[data-do="list"]');
    button?.setAttribute("aria-pressed", String(this.open));
    button?.setAttribute("aria-expanded", String(this.open));
    this.page.part("list").hidden = !this.open;
    this._drawn = "";
    this.paint();
    if (this.open) this.page.part("list").focus();
  }

  paint() {
    if (!this.open) return;
    const { page } = this;
    const whole = dayOf(page.time);
    const stretches = page.book.within(page.camera.id, whole).filter((one) => one.state !== "future");
    const state = JSON.stringify([page.camera.id, whole.from, stretches]);
    if (state === this._drawn) return;
    this._drawn = state;
    page.part("list-title").textContent = `${page.camera.name}, ${date(page.time)}`;
    const body = /** @type {HTMLTableSectionElement} */ (page.part("list-rows"));
    const focused = body.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.time : null;
    body.replaceChildren(...stretches.map((one) => this._row(one)));
    if (!stretches.length) body.append(row([page.book.knows(page.camera.id, whole) ? "Nothing is recorded on this day." : "Loading …"]));
    if (focused) /** @type {HTMLElement|null} */ (body.querySelector(`[data-time="${focused}"]`))?.focus();
  }

  /** @param {import("./spans.js").Stretch} one */
  _row(one) {
    const go = document.createElement("button");
    go.className = "btn btn--quiet mono";
    go.textContent = clock(one.from);
    go.dataset.time = String(one.from);
    go.setAttribute("aria-label", `Go to ${clock(one.from)}`);
    go.addEventListener("click", () => this.page.seek(one.from + 1));
    return row([go, clock(one.to), length(one.to - one.from), one.state === "recorded" ? "Recorded, not sealed" : stateWord(one.state), one.reason ?? ""]);
  }
}

/** @param {(string|Node)[]} cells */
function row(cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const data = document.createElement("td");
    data.append(cell);
    if (cells.length === 1) data.colSpan = 5;
    line.append(data);
  }
  return line;
}
