// The last 60 minutes of all cameras in one strip: where any of them has a gap, the strip has one.

import { HOUR } from "../timeline/scale.js";
import { Lane } from "../timeline/lane.js";
import { SpanBook, join } from "../timeline/spans.js";
import { length, stateWord } from "../timeline/words.js";

const AGAIN = 10_000;

export class LastHour {
  /** @param {SVGSVGElement} svg @param {string[]} cameras */
  constructor(svg, cameras) {
    this.svg = svg;
    this.cameras = cameras;
    this.lane = new Lane(svg, { height: 30 });
    this.book = new SpanBook();
    this.book.addEventListener("change", () => this.paint());
    new ResizeObserver(() => this.paint()).observe(svg);
    setInterval(() => { if (!document.hidden) { this.book.refresh(cameras, this.window); this.paint(); } }, AGAIN);
  }

  get window() {
    const now = Date.now();
    return { from: now - HOUR, to: now };
  }

  paint() {
    const { window } = this;
    const known = this.cameras.every((camera) => this.book.knows(camera, window));
    const stretches = worst(this.cameras.map((camera) => this.book.within(camera, window)));
    this.lane.paint({ window, stretches, known, now: window.to });
    const gaps = stretches.filter((one) => one.state !== "recorded" && one.state !== "future");
    this.svg.setAttribute("aria-label", `Last 60 minutes, all cameras: ${gaps.length ? gaps.map((one) => `${stateWord(one.state)} for ${length(Math.min(one.to, window.to) - Math.max(one.from, window.from))}`).join(", ") : "recorded without a gap"}`);
  }
}

/**
 * Where any lane has a gap, there is one.
 * @param {import("../timeline/spans.js").Stretch[][]} lanes
 */
export function worst(lanes) {
  const edges = [...new Set(lanes.flat().flatMap((one) => [one.from, one.to]))].sort((a, b) => a - b);
  /** @type {import("../timeline/spans.js").Stretch[]} */
  const found = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = [edges[i], edges[i + 1]];
    const here = lanes.map((lane) => lane.find((one) => one.from <= from && to <= one.to)).filter((one) => one !== undefined);
    const gap = here.find((one) => one.state !== "recorded" && one.state !== "future");
    const state = (gap ?? here.find((one) => one.state === "recorded") ?? here[0])?.state;
    if (state) found.push({ from, to, state, reason: gap?.reason ?? "" });
  }
  return join(found);
}
