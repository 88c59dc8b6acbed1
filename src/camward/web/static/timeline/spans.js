// What each camera recorded, day by day: fetched once, kept, and looked at again while the day is still going on.

import { DAY, MINUTE, dayOf } from "./scale.js";
import { sentence } from "../player/recording.js";

/**
 * @typedef {object} Stretch   a part of a lane
 * @property {number} from
 * @property {number} to
 * @property {string} state    "recorded", or why not; the keys of STATES in words.js
 * @property {string} [reason] one sentence, where the recorder knows it
 */

/** How many days of one camera are held. */
const HELD = 60;

/** Stretches by camera and day. Tells "change" {camera} when more is known, "failure" {text} when it can't be had. */
export class SpanBook extends EventTarget {
  /** @param {{fetch?: typeof fetch, now?: () => number}} [options] */
  constructor({ fetch: get = (...args) => fetch(...args), now = Date.now } = {}) {
    super();
    this._fetch = get;
    this._now = now;
    /** @type {Map<string, {from: number, to: number, stretches: Stretch[], asked: number}>} */
    this._days = new Map();
    /** @type {Set<string>} */
    this._asking = new Set();
  }

  /**
   * What is known of a camera within a window, in order; days that are missing are asked for.
   * @param {string} camera @param {import("./scale.js").Span} window
   * @returns {Stretch[]}
   */
  within(camera, window) {
    const found = [];
    for (const day of daysOf(window)) {
      const held = this._days.get(key(camera, day.from));
      if (!held) void this._ask(camera, day);
      else for (const stretch of held.stretches) if (stretch.to > window.from && stretch.from < window.to) found.push(stretch);
    }
    return join(found);
  }

  /** The stretch that holds a time; null when nothing is known. @param {string} camera @param {number} time */
  at(camera, time) {
    return this.within(camera, { from: time, to: time + 1 }).find((one) => one.from <= time && time < one.to) ?? null;
  }

  /** Whether a window's days are all known. @param {string} camera @param {import("./scale.js").Span} window */
  knows(camera, window) {
    return daysOf(window).every((day) => this._days.has(key(camera, day.from)));
  }

  /** Ask again for days of a window that were not over when they were asked for. @param {string[]} cameras @param {import("./scale.js").Span} window */
  refresh(cameras, window) {
    for (const camera of cameras) {
      for (const day of daysOf(window)) {
        const held = this._days.get(key(camera, day.from));
        if (held && held.asked < held.to + MINUTE && day.from <= this._now()) void this._ask(camera, day);
      }
    }
  }

  /** @param {string} camera @param {import("./scale.js").Span} day */
  async _ask(camera, day) {
    const name = key(camera, day.from);
    if (this._asking.has(name)) return;
    this._asking.add(name);
    const asked = this._now();
    try {
      const query = new URLSearchParams({ from: String(day.from), to: String(day.to) });
      const answer = await this._fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/spans?${query}`);
      if (!answer.ok) throw new Error(await sentence(answer));
      const { spans } = await answer.json();
      this._days.delete(name);
      this._days.set(name, { ...day, stretches: spans, asked });
      this._trim(camera);
      this.dispatchEvent(new CustomEvent("change", { detail: { camera } }));
    } catch (error) {
      this.dispatchEvent(new CustomEvent("failure", { detail: { camera, text: /** @type {Error} */ (error).message } }));
    } finally {
      // A day that could not be had is asked for again by the next drawing, but not at once.
      setTimeout(() => this._asking.delete(name), this._days.has(name) ? 0 : 3000);
    }
  }

  /** @param {string} camera */
  _trim(camera) {
    const names = [...this._days.keys()].filter((name) => name.startsWith(`${camera} `));
    for (const name of names.slice(0, Math.max(0, names.length - HELD))) this._days.delete(name);
  }
}

/** @param {string} camera @param {number} day */
const key = (camera, day) => `${camera} ${day}`;

/** The days that a window touches. @param {import("./scale.js").Span} window */
function daysOf(window) {
  const days = [dayOf(window.from)];
  while (days[days.length - 1].to < window.to && days.length < 4) days.push(dayOf(days[days.length - 1].to + DAY / 24));
  return days;
}

/** Stretches of one kind that touch, as one. @param {Stretch[]} stretches @returns {Stretch[]} */
export function join(stretches) {
  /** @type {Stretch[]} */
  const joined = [];
  for (const one of stretches) {
    const last = joined[joined.length - 1];
    if (last && last.state === one.state && one.from - last.to < 1 && (last.reason ?? "") === (one.reason ?? "")) joined[joined.length - 1] = { ...last, to: one.to };
    else joined.push(one);
  }
  return joined;
}
