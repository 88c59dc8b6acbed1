// The marked range: start and end, what it weighs, and its download as MP4.

import { sentence } from "../player/recording.js";
import { dayStart } from "./scale.js";
import { clock, date, length, size } from "./words.js";

/** Tells "change" when an end moved or its size came. */
export class Marks extends EventTarget {
  /** @param {{fetch?: typeof fetch}} [options] */
  constructor({ fetch: get = (...args) => fetch(...args) } = {}) {
    super();
    this._fetch = get;
    /** @type {number|null} */
    this.from = null;
    /** @type {number|null} */
    this.to = null;
    /** Bytes of the range; null: not known (yet). @type {number|null} */
    this.bytes = null;
    /** Why there is nothing to download, in words. */
    this.problem = "";
    this.camera = "";
    this._asked = 0;
    this._timer = 0;
  }

  /** Whether both ends are marked. */
  get whole() {
    return this.from !== null && this.to !== null;
  }

  /** @param {string} camera */
  use(camera) {
    this.camera = camera;
    this._changed();
  }

  /** @param {number} time */
  start(time) {
    this.from = time;
    if (this.to !== null && this.to <= time) this.to = null;
    this._changed();
  }

  /** @param {number} time */
  end(time) {
    this.to = time;
    if (this.from !== null && this.from >= time) this.from = null;
    this._changed();
  }

  /** @param {number} a @param {number} b */
  set(a, b) {
    this.from = Math.min(a, b);
    this.to = Math.max(a, b);
    this._changed();
  }

  clear() {
    this.from = this.to = null;
    this._changed();
  }

  /** Where the range is to be had; empty without one. */
  get address() {
    if (this.from === null || this.to === null) return "";
    return `/api/v1/cameras/${encodeURIComponent(this.camera)}/export.mp4?from=${Math.floor(this.from)}&to=${Math.ceil(this.to)}`;
  }

  /** "14:31:30 – 14:33:00", "from 14:31:30", or empty. */
  get words() {
    const { from, to } = this;
    if (from !== null && to !== null) {
      const days = dayStart(from) === dayStart(to) ? "" : `${date(from)} `;
      return `${days}${clock(from)} – ${days ? `${date(to)} ` : ""}${clock(to)}`;
    }
    if (from !== null) return `from ${clock(from)}`;
    return to !== null ? `until ${clock(to)}` : "";
  }

  /** "1 m 30 s · 45 MB", or what keeps it from being downloaded. */
  get facts() {
    if (this.from === null || this.to === null) return "";
    if (this.problem) return this.problem;
    return `${length(this.to - this.from)}${this.bytes === null ? "" : ` · ${size(this.bytes)}`}`;
  }

  _changed() {
    this.bytes = null;
    this.problem = "";
    clearTimeout(this._timer);
    const asked = ++this._asked;
    if (this.whole && this.camera) this._timer = window.setTimeout(() => void this._weigh(asked), 200);
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {number} asked */
  async _weigh(asked) {
    try {
      const answer = await this._fetch(this.address.replace("export.mp4", "size"));
      if (asked !== this._asked) return;
      if (answer.ok) this.bytes = (await answer.json()).bytes;
      else this.problem = await sentence(answer);
      if (this.bytes === 0) this.problem = "Nothing is recorded in this range.";
    } catch {
      this.problem = "The recorder can’t be reached.";
    }
    if (asked === this._asked) this.dispatchEvent(new CustomEvent("change"));
  }
}
