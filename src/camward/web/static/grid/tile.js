// One camera's tile: its live picture while it can be seen, or a sentence; all marks outside of the picture.

import { clock } from "../dom.js";
import { LiveView } from "../live/view.js";
import { wordsOf } from "../live/words.js";

/** Milliseconds from which a picture counts as late. */
const LATE = 1000;
/** How often the words of a late picture change. */
const WORDS = 500;

export class Tile {
  /** @param {HTMLLIElement} item */
  constructor(item) {
    this.item = item;
    this.link = /** @type {HTMLAnchorElement} */ (item.querySelector(".tile"));
    this.id = this.link.dataset.camera ?? "";
    this.name = this.link.dataset.name ?? "";
    this.stream2 = this.link.dataset.stream2 === "yes";
    this._canvas = /** @type {HTMLCanvasElement} */ (item.querySelector("canvas"));
    this._none = /** @type {HTMLElement} */ (item.querySelector("[data-none]"));
    this._late = /** @type {HTMLElement} */ (item.querySelector("[data-late]"));
    this._mark = /** @type {HTMLElement} */ (item.querySelector("[data-state]"));
    /** @type {LiveView|null} */
    this._view = null;
    this._stream = "";
    this._spoken = 0;
    /** What the recorder says of the camera. @type {{state: string, word: string, icon: string, tone: string, reason: string, since: number, next_try: number|null}|null} */
    this._camera = null;
    /** @type {import("../live/view.js").LiveState} */
    this._live = { kind: "paused", since: null, reason: "", retry: 0 };
  }

  /** @param {"stream1"|"stream2"} stream */
  play(stream) {
    const wanted = stream === "stream2" && !this.stream2 ? "stream1" : stream;
    const url = `/live?camera=${encodeURIComponent(this.id)}&stream=${wanted}`;
    if (!this._view) {
      this._view = new LiveView(this._canvas, { url, onstate: (state) => this._state(state), onpicture: ({ delay }) => this._delay(delay) });
      this._view.start();
    } else this._view.show(url);
  }

  stop() {
    this._view?.stop();
    this._view = null;
  }

  /** @param {NonNullable<Tile["_camera"]>} camera */
  told(camera) {
    this._camera = camera;
    this._show();
  }

  /** @param {import("../live/view.js").LiveState} state */
  _state(state) {
    this._live = state;
    if (state.kind !== "live") this._late.hidden = true;
    this._show();
  }

  /** @param {number} delay ms */
  _delay(delay) {
    const late = delay >= LATE;
    if (late === !this._late.hidden && performance.now() - this._spoken < WORDS) return;
    this._spoken = performance.now();
    this._late.hidden = !late;
    /** @type {HTMLElement} */ (this._late.querySelector("span")).textContent = `${(delay / 1000).toFixed(1)} s late`;
  }

  _show() {
    const sentence = this._sentence();
    this._none.hidden = sentence === null;
    if (sentence) {
      /** @type {HTMLElement} */ (this._none.querySelector("[data-none-word]")).textContent = sentence[0];
      /** @type {HTMLElement} */ (this._none.querySelector("[data-none-why]")).textContent = sentence[1];
      this._icon(this._none, sentence[2]);
    }
    const camera = this._camera;
    if (camera) {
      this._mark.className = `st ${camera.tone}`.trim();
      this._mark.title = camera.word;
      this._mark.toggleAttribute("data-abnormal", camera.state !== "recording");
      /** @type {HTMLElement} */ (this._mark.querySelector("span")).textContent = camera.word;
      this._icon(this._mark, camera.icon);
    }
    const how = this._live.kind === "live" ? "Live" : sentence ? `${sentence[0]}. ${sentence[1]}` : "";
    this.link.setAttribute("aria-label", `${this.name}. ${how}${camera && camera.state !== "recording" ? `. ${camera.word}` : ""}. Not sealed`);
  }

  /** What stands in place of the picture: a word, more, an icon; null while there is a picture. @returns {[string, string, string]|null} */
  _sentence() {
    const camera = this._camera;
    if (this._live.kind === "live") return null;
    const again = camera?.next_try ? `Trying again ${soon(camera.next_try)}.` : "";
    if (camera?.state === "off") return ["Switched off", "It is not recorded.", "power"];
    if (camera?.state === "refused") return ["Refused", camera.reason, "bad"];
    if (camera && (camera.state === "no_signal" || camera.state === "unreachable")) return [`No signal since ${clock(new Date(camera.since))}`, `${full(camera.reason)} ${again}`.trim(), "nosig"];
    const said = wordsOf(this._live);
    return [said.title, `${said.text} ${again}`.trim(), said.icon];
  }

  /** @param {HTMLElement} element @param {string} name */
  _icon(element, name) {
    const href = `${document.documentElement.dataset.icons}#${name}`;
    const use = element.querySelector("use");
    if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
  }
}

/** @param {number} time */
function soon(time) {
  const seconds = Math.round((time - Date.now()) / 1000);
  return seconds > 0 ? `in ${seconds} s` : "now";
}

/** @param {string} text */
const full = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "");
