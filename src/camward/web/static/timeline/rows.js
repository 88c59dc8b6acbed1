// All lanes with their ruler and the whole-day strip, as one slider.

import { Lane, paintRuler } from "./lane.js";
import { listen } from "./pointer.js";
import { dayOf, pan, spanOf } from "./scale.js";
import { zone } from "./words.js";

/** @typedef {import("./page.js").TimelinePage} Page @typedef {import("./page.js").Camera} Camera */

export class Rows {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** Whether a finger holds the lanes. */
    this.held = false;
    this.slider = page.part("lanes");
    /** @type {Map<string, Lane>} */
    this.lanes = new Map();
    for (const svg of /** @type {NodeListOf<SVGSVGElement>} */ (this.slider.querySelectorAll("svg[data-camera]"))) this.lanes.set(/** @type {string} */ (svg.dataset.camera), new Lane(svg));
    this.strip = new Lane(/** @type {any} */ (page.part("strip")), { height: 30, outline: true });
    this.ruler = /** @type {any} */ (page.part("ruler"));
    this.dayRuler = /** @type {any} */ (page.part("day-ruler"));
    this._listen();
  }

  /** The cameras whose lanes are on the screen: all, or on a phone the one. @returns {Camera[]} */
  shown() {
    return this.page.cameras.filter((one) => this._row(one)?.offsetParent !== null);
  }

  /** @param {Camera} camera @returns {HTMLElement|null} */
  _row(camera) {
    return this.lanes.get(camera.id)?.svg.closest(".lane") ?? null;
  }

  paint() {
    const { page } = this;
    const now = Date.now();
    for (const camera of page.cameras) {
      const row = this._row(camera);
      const current = camera === page.camera;
      row?.toggleAttribute("data-current", current);
      if (current) row?.setAttribute("aria-current", "true");
      else row?.removeAttribute("aria-current");
    }
    for (const camera of this.shown()) {
      const lane = /** @type {Lane} */ (this.lanes.get(camera.id));
      lane.paint({ window: page.window, stretches: page.book.within(camera.id, page.window), known: page.book.knows(camera.id, page.window), now });
      lane.flags(page.window, page.alarms.within(camera.id, page.window));
      if (camera === page.camera) lane.range(page.window, page.marks.from, page.marks.to);
      else lane.range(page.window, null, null);
    }
    const whole = dayOf(page.time);
    if (this.strip.svg.clientWidth) {
      this.strip.paint({ window: whole, stretches: page.book.within(page.camera.id, whole), known: page.book.knows(page.camera.id, whole), now });
      this.strip.range(whole, page.marks.from, page.marks.to);
      this.strip.flags(whole, page.alarms.within(page.camera.id, whole));
      this.strip.outline(whole, page.window);
      paintRuler(this.dayRuler, whole, { apart: 70 });
    }
    paintRuler(this.ruler, page.window);
    page.part("zone").textContent = `All times ${zone(page.time)}`;
    this.head();
  }

  /** Only the line where we are. */
  head() {
    const { page } = this;
    for (const camera of page.cameras) this.lanes.get(camera.id)?.head(page.window, page.time, { knob: camera === page.camera });
    const whole = dayOf(page.time);
    this.strip.head(whole, page.time);
    this.slider.setAttribute("aria-valuemin", "0");
    this.slider.setAttribute("aria-valuemax", String(Math.round(spanOf(whole) / 1000)));
    this.slider.setAttribute("aria-valuenow", String(Math.round((page.time - whole.from) / 1000)));
    if (!page.player?.playing) this.slider.setAttribute("aria-valuetext", page.spoken());
  }

  _listen() {
    const { page } = this;
    const area = () => (this.lanes.get(page.camera.id) ?? this.strip).svg.getBoundingClientRect();
    const zoom = (/** @type {number} */ time, /** @type {number} */ factor) => page.zoom(factor, time);
    const move = (/** @type {number} */ ms) => page.look(pan(page.window, ms));
    const scrub = (/** @type {number} */ time, /** @type {string} */ phase, /** @type {PointerEvent} */ event) => {
      time = Math.min(time, Date.now());
      this.held = phase !== "end";
      if (phase === "start") {
        const row = event.target instanceof Element ? event.target.closest(".lane") : null;
        const camera = page.cameras.find((one) => this._row(one) === row);
        if (camera && camera !== page.camera) page.use(camera);
        this.slider.focus({ preventScroll: true });
      }
      if (phase === "end") page.seek(time);
      else page.player?.scrub(time);
    };
    listen({ element: this.slider, area, window: () => page.window, scrub, zoom, pan: move });
    listen({ element: /** @type {any} */ (this.ruler), area, window: () => page.window, zoom, pan: move, mark: (from, to) => page.marks.set(from, to), scrub });
    const stripArea = () => this.strip.svg.getBoundingClientRect();
    listen({ element: /** @type {any} */ (this.strip.svg), area: stripArea, window: () => dayOf(page.time), scrub });
    // A press on a camera's name shows that camera.
    this.slider.addEventListener("click", (event) => {
      const name = event.target instanceof Element ? event.target.closest("[data-name]") : null;
      const camera = name ? page.cameras.find((one) => one.id === name.getAttribute("data-name")) : null;
      if (camera) page.use(camera);
    });
  }
}
