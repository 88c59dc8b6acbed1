// Draws lanes, rulers and the whole-day strip as SVG: what is recorded, each gap with its hatch and its words.
//
// Only attributes are set, so that the page's strict policy on styles holds; colours are the sheet's classes.

import { MINUTE, spanOf, ticks, xAt } from "./scale.js";
import { clock, length, stateWord, tickLabel } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
/** A gap is never narrower than this on the screen. */
const LEAST = 2;

/** Fill of a gap by state; what is not named here has a plain box. @type {Readonly<Record<string, string>>} */
const HATCHES = Object.freeze({ network: "url(#hn)", recorder_off: "url(#hr)", storage: "url(#hr)" });

/**
 * @param {string} name @param {Record<string, string|number>} attributes @param {string} [text]
 * @returns {SVGElement}
 */
export function draw(name, attributes, text) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** One camera's lane, or the strip of its whole day. */
export class Lane {
  /** @param {SVGSVGElement} svg @param {{height?: number, outline?: boolean}} [options] `outline`: it shows where another window is */
  constructor(svg, { height = 38, outline = false } = {}) {
    this.svg = svg;
    this._usual = height;
    this._ground = draw("g", {});
    this._range = draw("g", {});
    this._flags = draw("g", {});
    this._head = draw("line", { class: "t-head", y1: 0, y2: 200, visibility: "hidden" });
    this._knob = draw("path", { class: "t-knob", visibility: "hidden" });
    this._outline = outline ? draw("rect", { class: "t-now", y: 0.75, height: height - 1.5, rx: 2, visibility: "hidden" }) : null;
    svg.replaceChildren(this._ground, this._range, this._flags, this._head, this._knob, ...(this._outline ? [this._outline] : []));
  }

  /** On a phone lanes are taller. */
  get height() {
    return this.svg.clientHeight || this._usual;
  }

  get width() {
    return Math.max(1, this.svg.clientWidth || this.svg.getBoundingClientRect().width);
  }

  /**
   * @param {object} what
   * @param {import("./scale.js").Span} what.window
   * @param {import("./spans.js").Stretch[]} what.stretches
   * @param {boolean} what.known  whether the stretches are all there is
   * @param {number} what.now     nothing is drawn behind it
   */
  paint({ window, stretches, known, now }) {
    const { width, height } = this;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const x = (/** @type {number} */ time) => Math.min(width, Math.max(0, xAt(window, width, time)));
    const parts = [];
    const until = x(now);
    parts.push(draw("rect", { class: known ? "t-base" : "t-line-soft", x: 0, y: 0, width: until, height }));
    for (const one of stretches) {
      const from = x(one.from);
      const to = Math.max(x(one.to), from + LEAST);
      if (to <= 0 || from >= width) continue;
      if (one.state === "recorded") parts.push(...this._band(from, to));
      else if (one.state === "unknown") parts.push(...this._nothing(one, from, to));
      else if (one.state !== "future") parts.push(...this._gap(one, from, to));
    }
    this._ground.replaceChildren(...parts);
  }

  /** Recorded and not sealed: dots within a frame. @param {number} from @param {number} to */
  _band(from, to) {
    const tall = Math.round(this.height * 0.34);
    const at = { x: from, y: this.height - tall - 3, width: to - from, height: tall };
    return [draw("rect", { class: "t-gap", ...at }), draw("rect", { fill: "url(#hp)", ...at }), draw("rect", { class: "t-edge", ...at })];
  }

  /** Nothing recorded, and nobody knows that there should be: the ground without a frame. @param {import("./spans.js").Stretch} one @param {number} from @param {number} to */
  _nothing(one, from, to) {
    const ground = draw("rect", { class: "t-line-soft", x: from, y: 0, width: to - from, height: this.height });
    const words = stateWord(one.state);
    ground.append(draw("title", {}, `${words} ${length(one.to - one.from)}`));
    if (to - from < this._room(words) + 16 || this.height < 30 || this._outline) return [ground];
    return [ground, draw("text", { class: "t-text", x: from + 10, y: this.height / 2 + 4 }, words)];
  }

  /** @param {import("./spans.js").Stretch} one @param {number} from @param {number} to */
  _gap(one, from, to) {
    const at = { x: from + 0.5, y: 2.5, width: Math.max(1, to - from - 1), height: this.height - 5 };
    const middle = this.height / 2;
    const parts = [draw("rect", { class: "t-gap", ...at })];
    const hatch = HATCHES[one.state];
    if (hatch) parts.push(draw("rect", { fill: hatch, ...at }));
    if (one.state === "camera_off") parts.push(draw("line", { class: "t-hg", x1: at.x, x2: at.x + at.width, y1: middle, y2: middle }));
    parts.push(draw("rect", { class: "t-edge", ...at, ...(one.state === "recorder_off" ? { "stroke-dasharray": "4 3" } : {}) }));
    const words = `${stateWord(one.state)} ${length(one.to - one.from)}`;
    const title = draw("title", {}, one.reason ? `${words}. ${one.reason}` : words);
    parts[0].append(title);
    const room = this._room(words);
    if (at.width > room + 16 && this.height >= 30 && !this._outline) {
      const start = Math.max(at.x, 0) + 6;
      parts.push(draw("rect", { class: "t-gap", x: start, y: middle - 9, width: room, height: 18 }));
      parts.push(draw("text", { class: "t-text", x: start + 4, y: middle + 4 }, words));
    }
    return parts;
  }

  /** About how wide words are in the lane's type. @param {string} words */
  _room(words) {
    return words.length * 5.9 + 8;
  }

  /** Alarms, each a flag that stands at its time. @param {import("./scale.js").Span} window @param {import("./alarms.js").Alarm[]} alarms */
  flags(window, alarms) {
    this._flags.replaceChildren(...alarms.map((one) => {
      const x = Math.round(xAt(window, this.width, one.at));
      const flag = draw("path", { class: "t-alarm", d: `M${x} 1h9l-2.500 3.500l2.500 3.500h-7.500v5h-1.500z` });
      flag.append(draw("title", {}, `${one.word}, ${clock(one.at)}. ${one.text}`));
      return flag;
    }));
  }

  /** @param {import("./scale.js").Span} window @param {number} time @param {{knob?: boolean}} [options] */
  head(window, time, { knob = false } = {}) {
    const x = xAt(window, this.width, time);
    const seen = x >= 0 && x <= this.width;
    for (const [part, shown] of /** @type {[SVGElement, boolean][]} */ ([[this._head, seen], [this._knob, seen && knob]])) part.setAttribute("visibility", shown ? "visible" : "hidden");
    if (!seen) return;
    this._head.setAttribute("x1", x.toFixed(2));
    this._head.setAttribute("x2", x.toFixed(2));
    if (knob) this._knob.setAttribute("d", `M${x - 7} 0h14v8l-7 8l-7-8z`);
  }

  /** The marked range; either end may be missing. @param {import("./scale.js").Span} window @param {number|null} from @param {number|null} to */
  range(window, from, to) {
    const { width, height } = this;
    const parts = [];
    const x = (/** @type {number} */ time) => xAt(window, width, time);
    if (from !== null && to !== null) {
      const [a, b] = [Math.max(0, x(from)), Math.min(width, x(to))];
      if (b > a) parts.push(draw("rect", { class: "t-range", x: a, y: 0, width: b - a, height }));
    }
    for (const time of [from, to]) {
      if (time !== null && x(time) >= 0 && x(time) <= width) parts.push(draw("line", { class: "t-mark", x1: x(time), x2: x(time), y1: 0, y2: height }));
    }
    this._range.replaceChildren(...parts);
  }

  /** Outline another window within this one. @param {import("./scale.js").Span} window @param {import("./scale.js").Span} other */
  outline(window, other) {
    if (!this._outline) return;
    const { width } = this;
    const from = Math.max(0.75, xAt(window, width, other.from));
    const to = Math.min(width - 0.75, xAt(window, width, other.to));
    const wide = Math.max(6, to - from);
    this._outline.setAttribute("visibility", to < 0 || from > width || spanOf(other) >= spanOf(window) * 0.95 ? "hidden" : "visible");
    this._outline.setAttribute("x", String(Math.min(from, width - wide)));
    this._outline.setAttribute("width", String(wide));
  }
}

/** Round times with their ticks. @param {SVGSVGElement} svg @param {import("./scale.js").Span} window @param {{apart?: number}} [options] */
export function paintRuler(svg, window, { apart = 84 } = {}) {
  const width = Math.max(1, svg.clientWidth || svg.getBoundingClientRect().width);
  const height = 22;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const { step, times } = ticks(window, width, roomFor(window, apart));
  const parts = [];
  for (const time of times) {
    const x = xAt(window, width, time);
    parts.push(draw("line", { class: "t-line", x1: x, x2: x, y1: 0, y2: height }));
    if (width - x > 34) parts.push(draw("text", { class: "t-text", x: x + 5, y: 15 }, tickLabel(time, step)));
  }
  svg.replaceChildren(...parts);
}

/** Labels with seconds are wider than those without. @param {import("./scale.js").Span} window @param {number} apart */
const roomFor = (window, apart) => (spanOf(window) < 10 * MINUTE ? apart + 10 : apart);
