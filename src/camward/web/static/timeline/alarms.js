// Alarms as flags on the lanes: when they were raised, and what they said.

import { api } from "../api.js";

/** @typedef {{at: number, subject: string, word: string, text: string, open: boolean}} Alarm */

const MOST = 1000;

/** Tells "change" when others are known. */
export class Alarms extends EventTarget {
  constructor() {
    super();
    /** @type {Alarm[]} */
    this.known = [];
    this._last = "";
  }

  async refresh() {
    const found = await api("GET", `/api/v1/events?state=alarms&limit=${MOST}`).catch(() => null);
    if (!found) return;
    const last = JSON.stringify(found.events.map((/** @type {any} */ one) => [one.id, one.open]));
    if (last === this._last) return;
    this._last = last;
    this.known = found.events;
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Of a camera, within a window. @param {string} camera @param {import("./scale.js").Span} window */
  within(camera, window) {
    return this.known.filter((one) => one.subject === camera && one.at >= window.from && one.at <= window.to);
  }
}
