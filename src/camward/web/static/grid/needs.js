// "Needs you": open alarms, worst first, each with its way out.

import { api } from "../api.js";
import { clock, el, icon, say } from "../dom.js";
import { forPage } from "../app.js";

const AGAIN = 5000;

export class Needs {
  /** @param {HTMLElement} root @param {boolean} mayAcknowledge */
  constructor(root, mayAcknowledge) {
    this.list = /** @type {HTMLElement} */ (root.querySelector("#needs"));
    this.count = /** @type {HTMLElement} */ (root.querySelector("#needs-count"));
    this.none = /** @type {HTMLElement} */ (root.querySelector("#needs-none"));
    this.may = mayAcknowledge;
    this._drawn = "";
    /** @type {any[]} */
    this.alarms = [];
    document.addEventListener("keydown", (event) => {
      if (!forPage(event) || event.key.toLowerCase() !== "a" || !this.may || !this.alarms.length) return;
      event.preventDefault();
      void this._acknowledge(this.alarms[0]);
    });
    void this.refresh();
    setInterval(() => { if (!document.hidden) void this.refresh(); }, AGAIN);
  }

  async refresh() {
    const found = await api("GET", "/api/v1/events/open").catch(() => null);
    if (!found) return;
    const state = JSON.stringify(found.events);
    if (state === this._drawn) return;
    this._drawn = state;
    this.alarms = found.events;
    this.count.textContent = found.open ? `${found.open} open` : "";
    this.none.hidden = found.open > 0;
    this.list.replaceChildren(...found.events.map((/** @type {any} */ alarm, /** @type {number} */ index) => this._item(alarm, index)));
  }

  /** @param {any} alarm @param {number} index */
  _item(alarm, index) {
    const at = new Date(alarm.at);
    const button = el("button.btn.btn--quiet", { type: "button", onclick: () => void this._acknowledge(alarm) }, "Acknowledge", index === 0 ? el("kbd", {}, "A") : null);
    const look = alarm.camera ? el("a.btn", { href: `/timeline?camera=${encodeURIComponent(alarm.subject)}&t=${Math.round(alarm.at)}` }, "Look") : el("a.btn", { href: "/health" }, "Health");
    return el("li", {},
      el("div.row", {}, el("span.st.st--alarm", {}, icon(alarm.icon === "bell" ? "bell" : alarm.icon), el("span", {}, alarm.word)), alarm.camera ? el("b.only-phone", {}, alarm.camera) : null, el("time.mono", { datetime: at.toISOString() }, clock(at))),
      el("p", {}, alarm.camera ? el("b", {}, `${alarm.camera}. `) : null, alarm.text),
      el("div.row.acts", {}, look, this.may ? button : null));
  }

  /** @param {any} alarm */
  async _acknowledge(alarm) {
    try {
      await api("POST", `/api/v1/events/${alarm.id}/acknowledge`, {});
      say(`Acknowledged: ${alarm.word}`);
    } catch (error) {
      say(/** @type {import("../api.js").ApiError} */ (error).text);
    }
    await this.refresh();
  }
}
