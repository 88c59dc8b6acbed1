// The timeline's arithmetic: windows of time, zoom about a point, ticks of the ruler. No DOM, no clock.
//
// Times are milliseconds since 1970 (fractions allowed); a window is {from, to} with from < to.

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** @typedef {{from: number, to: number}} Span */

/** The zoom buttons. @type {ReadonlyArray<{name: string, span: number}>} */
export const LEVELS = Object.freeze([
  { name: "Day", span: DAY },
  { name: "Hour", span: HOUR },
  { name: "10 min", span: 10 * MINUTE },
  { name: "1 min", span: MINUTE },
  { name: "Seconds", span: 10 * SECOND },
]);

/** One second across the page: single pictures are wide enough to be told apart. */
export const SHORTEST = SECOND;
export const LONGEST = DAY;

const STEPS = [40, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
  5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];

/** @param {Span} window */
export const spanOf = (window) => window.to - window.from;

/** @param {Span} window @param {number} width @param {number} x */
export const timeAt = (window, width, x) => window.from + (x / width) * spanOf(window);

/** @param {Span} window @param {number} width @param {number} time */
export const xAt = (window, width, time) => ((time - window.from) / spanOf(window)) * width;

/**
 * The window zoomed so that `time` stays where it is on the screen.
 * @param {Span} window
 * @param {number} time
 * @param {number} factor below 1: closer
 * @returns {Span}
 */
export function zoomAbout(window, time, factor) {
  const span = Math.min(LONGEST, Math.max(SHORTEST, spanOf(window) * factor));
  const part = Math.min(1, Math.max(0, (time - window.from) / spanOf(window)));
  const from = time - part * span;
  return { from, to: from + span };
}

/** The window of a given length about a time. @param {number} time @param {number} span @returns {Span} */
export const about = (time, span) => ({ from: time - span / 2, to: time + span / 2 });

/** @param {Span} window @param {number} ms @returns {Span} */
export const pan = (window, ms) => ({ from: window.from + ms, to: window.to + ms });

/**
 * The window moved as little as needed to hold `time` with a margin; itself if it does already.
 * @param {Span} window @param {number} time @param {number} [margin] part of the window
 */
export function keepInView(window, time, margin = 0) {
  const edge = spanOf(window) * margin;
  if (time < window.from + edge) return pan(window, time - window.from - edge);
  if (time > window.to - edge) return pan(window, time - window.to + edge);
  return window;
}

/** The button that a window belongs to: the nearest by ratio. @param {Span} window */
export function levelOf(window) {
  const far = (/** @type {{span: number}} */ level) => Math.abs(Math.log(level.span / spanOf(window)));
  return LEVELS.reduce((best, level) => (far(level) < far(best) ? level : best));
}

/** Midnight before a time, in the zone of the page. @param {number} time */
export function dayStart(time) {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** The day (23 to 25 hours) that holds a time. @param {number} time @returns {Span} */
export function dayOf(time) {
  const date = new Date(time);
  return { from: dayStart(time), to: new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime() };
}

/**
 * Ticks at round times, at least `apart` pixels from each other.
 * @param {Span} window @param {number} width @param {number} [apart]
 * @returns {{step: number, times: number[]}}
 */
export function ticks(window, width, apart = 84) {
  const step = STEPS.find((ms) => (ms / spanOf(window)) * width >= apart) ?? STEPS[STEPS.length - 1];
  const origin = dayStart(window.from);
  const times = [];
  for (let time = origin + Math.floor((window.from - origin) / step) * step; time <= window.to; time += step) if (time >= window.from) times.push(time);
  return { step, times };
}
