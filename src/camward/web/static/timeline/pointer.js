// Fingers and mouse over the lanes: drag scrubs, drag on the ruler marks a range, wheel and pinch zoom about the pointer.

import { timeAt } from "./scale.js";

/** Pixels that a press may move and still be a click. */
const STILL = 4;
/** One notch of a wheel. */
const NOTCH = 100;

/**
 * @typedef {object} Surface
 * @property {HTMLElement} element          what is pressed
 * @property {() => DOMRect} area           where time runs from left to right
 * @property {() => import("./scale.js").Span} window
 * @property {(time: number, phase: "start"|"move"|"end", event: PointerEvent) => void} [scrub]
 * @property {(from: number, to: number) => void} [mark]
 * @property {(time: number, factor: number) => void} [zoom]
 * @property {(ms: number) => void} [pan]
 */

/** @param {Surface} surface */
export function listen(surface) {
  const { element } = surface;
  /** Fingers down, by pointer. @type {Map<number, number>} */
  const down = new Map();
  let first = 0;
  let moved = false;
  let apart = 0;

  const timeOf = (/** @type {number} */ x) => {
    const area = surface.area();
    return timeAt(surface.window(), area.width, Math.min(area.width, Math.max(0, x - area.left)));
  };
  const within = (/** @type {PointerEvent|WheelEvent} */ event) => event.clientX >= surface.area().left;

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !within(event)) return;
    down.set(event.pointerId, event.clientX);
    element.setPointerCapture(event.pointerId);
    moved = false;
    if (down.size === 1) {
      first = event.clientX;
      if (!surface.mark) surface.scrub?.(timeOf(event.clientX), "start", event);
    } else apart = spread(down);
  });

  element.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    down.set(event.pointerId, event.clientX);
    if (down.size === 2 && surface.zoom) {
      const now = spread(down);
      if (apart > 8 && now > 8) surface.zoom(timeOf([...down.values()].reduce((sum, x) => sum + x, 0) / 2), apart / now);
      apart = now;
      moved = true;
      return;
    }
    if (Math.abs(event.clientX - first) > STILL) moved = true;
    if (!moved) return;
    if (surface.mark) surface.mark(timeOf(first), timeOf(event.clientX));
    else surface.scrub?.(timeOf(event.clientX), "move", event);
  });

  const up = (/** @type {PointerEvent} */ event) => {
    if (!down.delete(event.pointerId)) return;
    if (down.size) { first = [...down.values()][0]; return; }
    if (surface.mark && moved) surface.mark(timeOf(first), timeOf(event.clientX));
    else surface.scrub?.(timeOf(event.clientX), "end", event);
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);

  element.addEventListener("wheel", (event) => {
    if (!within(event) || event.altKey) return;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    const amount = (sideways ? event.deltaX || event.deltaY : event.deltaY) * (event.deltaMode === 1 ? 33 : 1);
    if (sideways && surface.pan) surface.pan((amount / surface.area().width) * (surface.window().to - surface.window().from));
    else if (surface.zoom) surface.zoom(timeOf(event.clientX), 1.25 ** Math.max(-3, Math.min(3, amount / NOTCH)));
    else return;
    event.preventDefault();
  }, { passive: false });
}

/** @param {Map<number, number>} down */
function spread(down) {
  const places = [...down.values()];
  return Math.abs(places[0] - places[1]);
}
