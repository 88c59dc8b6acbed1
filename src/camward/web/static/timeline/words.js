// Times, lengths and sizes as words, the same on every page of the recorder.

/** @param {number} n @param {number} [digits] */
const two = (n, digits = 2) => String(n).padStart(digits, "0");

/** "14:32:07", with 3 decimals "14:32:07.480". @param {number} time @param {number} [decimals] */
export function clock(time, decimals = 0) {
  const date = new Date(time);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return decimals ? `${text}.${two(date.getMilliseconds(), 3).slice(0, decimals)}` : text;
}

/** A tick's label: as short as its step allows. @param {number} time @param {number} step ms */
export function tickLabel(time, step) {
  if (step >= 60_000) return clock(time).slice(0, 5);
  return clock(time, step < 100 ? 2 : step < 1000 ? 1 : 0);
}

/** "Mon 23 Nov 2026". @param {number} time */
export function day(time) {
  const date = new Date(time);
  return `${date.toLocaleDateString("en-GB", { weekday: "short" })} ${date.getDate()} ${date.toLocaleDateString("en-GB", { month: "short" })} ${date.getFullYear()}`;
}

/** "23 Nov 2026". @param {number} time */
export const date = (time) => day(time).slice(4);

/** "+01:00", the page's zone at a time. @param {number} time */
export function zone(time) {
  const minutes = -new Date(time).getTimezoneOffset();
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** "1 h 5 m", "1 m 30 s", "35 s", "0.48 s". @param {number} ms */
export function length(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${Number(seconds.toFixed(2))} s`;
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 86_400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "m"], [whole % 60, "s"]];
  return parts.filter(([n]) => n).slice(0, 2).map(([n, unit]) => `${n} ${unit}`).join(" ");
}

/** "45 MB". @param {number} bytes */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit++; }
  return `${bytes < 10 && unit ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** What a span of a lane is, in words. @type {Readonly<Record<string, string>>} */
export const STATES = Object.freeze({
  recorded: "Recorded",
  camera_off: "Camera off",
  network: "Network lost",
  recorder_off: "Recorder off",
  storage: "Storage stopped",
  unknown: "Nothing recorded",
  future: "Not yet",
});

/** @param {string} kind */
export const stateWord = (kind) => STATES[kind] ?? STATES.unknown;

/** A time as people type it ("14:31:41", "14:31"), on the day of `near`; null when it is none. @param {string} text @param {number} near */
export function parseClock(text, near) {
  const found = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(text.trim());
  if (!found) return null;
  const [hour, minute, second] = [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const at = new Date(near);
  at.setHours(hour, minute, second, Number((found[4] ?? "0").padEnd(3, "0")));
  return at.getTime();
}
