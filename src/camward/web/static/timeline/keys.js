// The timeline's keys and what they do; the page's template lists them for the help.

/**
 * @typedef {object} Actions
 * @property {() => void} back        play backwards, faster at each press
 * @property {() => void} toggle      pause, or go on
 * @property {() => void} on          play, faster at each press
 * @property {(direction: 1|-1) => void} step
 * @property {(ms: number) => void} jump
 * @property {(factor: number) => void} zoom
 * @property {(direction: 1|-1) => void} gap
 * @property {() => void} next        next part that is not authentic
 * @property {() => void} save        the picture
 * @property {() => void} sound
 * @property {() => void} download    the marked range
 * @property {() => void} markStart
 * @property {() => void} markEnd
 * @property {(direction: 1|-1) => void} camera
 * @property {(where: "start"|"end") => void} edge
 * @property {(direction: 1|-1) => void} page
 * @property {() => void} full
 */

const SECONDS = 1000;

/** @param {KeyboardEvent} event @param {Actions} act @returns {(() => void)|null} */
export function meaning(event, act) {
  const far = event.shiftKey ? 60 : 5;
  /** @type {Record<string, () => void>} */
  const known = {
    j: act.back, k: act.toggle, l: act.on, " ": act.toggle,
    ",": () => act.step(-1), ".": () => act.step(1),
    ArrowLeft: () => act.jump(-far * SECONDS), ArrowRight: () => act.jump(far * SECONDS),
    ArrowUp: () => act.camera(-1), ArrowDown: () => act.camera(1),
    "+": () => act.zoom(0.5), "=": () => act.zoom(0.5), "-": () => act.zoom(2), "−": () => act.zoom(2),
    "[": () => act.gap(-1), "]": () => act.gap(1),
    i: act.markStart, o: act.markEnd, n: act.next, s: act.save, m: act.sound, e: act.download, f: act.full,
    Home: () => act.edge("start"), End: () => act.edge("end"), PageUp: () => act.page(-1), PageDown: () => act.page(1),
  };
  return known[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}
