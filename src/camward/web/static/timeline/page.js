// The timeline page: joins the player, the lanes, the marks, the keys and the address line.

import { PlainPlayer } from "../player/fallback.js";
import { Player } from "../player/player.js";
import { Recording } from "../player/recording.js";
import { Alarms } from "./alarms.js";
import { PlayerBar } from "./bar.js";
import { forPage } from "../app.js";
import { meaning } from "./keys.js";
import { DayList } from "./list.js";
import { Marks } from "./marks.js";
import { MarksBar } from "./marks_bar.js";
import { Rows } from "./rows.js";
import { DAY, HOUR, LEVELS, MINUTE, about, dayOf, keepInView, levelOf, pan, spanOf, zoomAbout } from "./scale.js";
import { SpanBook } from "./spans.js";
import { clock, date, day, parseClock, stateWord, length } from "./words.js";

/** @typedef {{id: string, name: string, stream2: boolean}} Camera */

/** How often a day that is still going on is looked at again. */
const AGAIN = 5000;
/** How long the address line may be behind. */
const SETTLED = 400;

export class TimelinePage {
  /** @param {HTMLElement} root the element with id "timeline" */
  constructor(root) {
    this.root = root;
    /** @type {Camera[]} */
    this.cameras = JSON.parse(root.dataset.cameras ?? "[]");
    this.mayDownload = root.dataset.download === "yes";
    const query = new URLSearchParams(location.search);
    this.camera = this.cameras.find((one) => one.id === query.get("camera")) ?? this.cameras[0];
    const asked = Number(query.get("t"));
    this.time = asked > 0 ? asked : Date.now() - 10_000;
    this.window = about(this.time, narrow() ? 3 * MINUTE : 10 * MINUTE);
    this.book = new SpanBook();
    this.marks = new Marks();
    this.alarms = new Alarms();
    this.rows = new Rows(this);
    this.bar = new PlayerBar(this);
    this.marksBar = new MarksBar(this);
    this.list = new DayList(this);
    this._painting = false;
    this._saved = 0;
    this._listen();
    this.use(this.camera, { first: true, chosen: asked > 0 });
  }

  /** @param {string} id */
  part(id) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`#${id}`));
  }

  /** Show another camera at the same time. @param {Camera} camera @param {{first?: boolean, chosen?: boolean}} [options] */
  use(camera, { first = false, chosen = true } = {}) {
    if (!first && camera === this.camera) return;
    const { playing = false, speed = 1 } = this.player ?? {};
    const sound = this.player?.sound.on ?? false;
    this.player?.close();
    this.camera = camera;
    this.player = this._makePlayer(camera);
    this.player.time = this.time;
    this.marks.use(camera.id);
    this.bar.follow(this.player, camera);
    if (sound) this.player.sound.switch(true);
    this.paint();
    this._save();
    if (first && !chosen) void this._toNewest();
    else if (playing) this.player.play(speed);
    else void this.player.seek(this.time);
  }

  /** @param {Camera} camera @param {number} [stream] */
  _makePlayer(camera, stream = 1) {
    const recording = new Recording(`/api/v1/cameras/${encodeURIComponent(camera.id)}`, { stream });
    const plain = typeof VideoDecoder === "undefined";
    const video = /** @type {HTMLVideoElement} */ (this.part("video"));
    const canvas = /** @type {HTMLCanvasElement} */ (this.part("canvas"));
    video.hidden = !plain;
    canvas.hidden = plain;
    const player = plain ? /** @type {any} */ (new PlainPlayer(video, recording)) : new Player(canvas, recording);
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ act) =>
      player.addEventListener(type, (/** @type {any} */ event) => { if (player === this.player) act(event.detail); });
    on("time", ({ time }) => this._moved(time));
    on("state", () => { if (!player.playing) this._save(); });
    on("unsupported", ({ codec }) => this._otherStream(codec));
    return /** @type {Player} */ (player);
  }

  /** The browser can't decode the main stream: the small one is recorded beside it for just that. @param {string} codec */
  _otherStream(codec) {
    if (!this.camera.stream2) { this.bar.fail(`This browser can’t decode ${codec}. Download the range and play it with another program.`); return; }
    const { playing = false, speed = 1 } = this.player ?? {};
    this.player?.close();
    this.player = this._makePlayer(this.camera, 2);
    this.player.time = this.time;
    this.bar.follow(this.player, this.camera);
    this.bar.say(`This browser can’t decode ${codec}: the small stream is shown.`);
    if (playing) this.player.play(speed);
    else void this.player.seek(this.time);
  }

  /** No time was asked for: the newest picture. */
  async _toNewest() {
    const player = this.player;
    try {
      const end = await player?.recording.previousEnd(Date.now() + DAY);
      if (player !== this.player || !player) return;
      if (!end) { this.bar.gap({ from: Date.now(), to: null, none: true }); return; }
      this.time = end - 1;
      this.window = about(this.time, spanOf(this.window));
      this.paint();
      await player.seek(Math.max(0, end - 1));
    } catch (error) {
      this.bar.fail(/** @type {Error} */ (error).message);
    }
  }

  // ---------- time ----------

  /** @param {number} time */
  _moved(time) {
    this.time = time;
    const seen = keepInView(this.window, time, this.player?.playing ? 0.05 : 0);
    if (seen !== this.window && !this.rows.held) {
      // While playing the window turns like a page, so that the lanes stand still under the eye.
      this.window = this.player?.playing ? pan(seen, (seen.from > this.window.from ? 0.8 : -0.8) * spanOf(seen)) : seen;
      this.paint();
    } else this.rows.head();
    this.bar.time(time);
    if (!this.player?.playing) this._save();
  }

  /** Exactly this time; the lanes follow. @param {number} time */
  seek(time) {
    time = Math.min(time, Date.now());
    if (time < this.window.from || time > this.window.to) this.look(about(time, spanOf(this.window)));
    void this.player?.seek(time);
  }

  /** Move the window, not the picture. @param {import("./scale.js").Span} window */
  look(window) {
    this.window = window;
    this.paint();
  }

  /** @param {number} factor @param {number} [time] */
  zoom(factor, time = this._anchor()) {
    this.look(zoomAbout(this.window, time, factor));
  }

  _anchor() {
    return this.time >= this.window.from && this.time <= this.window.to ? this.time : (this.window.from + this.window.to) / 2;
  }

  /** @param {1|-1} direction */
  async gap(direction) {
    for (let at = dayOf(this.time), days = 0; days < 8; days++) {
      await this._known(at);
      const gaps = this.book.within(this.camera.id, at).filter((one) => one.state !== "recorded" && one.state !== "future");
      const found = direction > 0 ? gaps.find((one) => one.from > this.time + 1) : gaps.reverse().find((one) => one.to < this.time);
      if (found) { this.seek(direction > 0 ? found.from : found.to); return; }
      at = dayOf(direction > 0 ? at.to + HOUR : at.from - HOUR);
      if (at.from > Date.now()) break;
    }
    this.bar.say(direction > 0 ? "No gap after this." : "No gap in the week before this.");
  }

  /** Wait until a day's spans are known, five seconds at most. @param {import("./scale.js").Span} window */
  _known(window) {
    return new Promise((resolve) => {
      const done = () => { if (this.book.knows(this.camera.id, window)) finish(); };
      const finish = () => { clearTimeout(timer); this.book.removeEventListener("change", done); resolve(undefined); };
      const timer = setTimeout(finish, 5000);
      this.book.addEventListener("change", done);
      this.book.within(this.camera.id, window);
      done();
    });
  }

  // ---------- drawing ----------

  /** Draw everything at the next frame. */
  paint() {
    if (this._painting) return;
    this._painting = true;
    requestAnimationFrame(() => {
      this._painting = false;
      this.rows.paint();
      this.marksBar.paint();
      this.list.paint();
      const level = levelOf(this.window);
      for (const button of this.root.querySelectorAll("[data-span]")) button.setAttribute("aria-pressed", String(Number(/** @type {HTMLElement} */ (button).dataset.span) === level.span));
      this.part("day").textContent = day(this.time);
      /** @type {HTMLSelectElement} */ (this.part("camera")).value = this.camera.id;
    });
  }

  /** For those who hear the page. */
  spoken() {
    const here = this.book.at(this.camera.id, this.time);
    const what = !here ? "" : here.state === "recorded" ? ", recorded, not sealed" : `, ${stateWord(here.state)}, ${length(here.to - here.from)}`;
    return `${clock(this.time)}, ${date(this.time)}, ${this.camera.name}${what}`;
  }

  // ---------- doing ----------

  /** @returns {import("./keys.js").Actions} */
  actions() {
    const faster = (/** @type {1|-1} */ sign) => {
      const player = /** @type {Player} */ (this.player);
      const speed = player.playing && Math.sign(player.speed) === sign ? Math.min(16, Math.abs(player.speed) * 2) : 1;
      player.play(sign * speed);
    };
    return {
      back: () => faster(-1), on: () => faster(1), toggle: () => this.toggle(),
      step: (direction) => void this.player?.step(direction),
      jump: (ms) => this.seek(this.time + ms), zoom: (factor) => this.zoom(factor),
      gap: (direction) => void this.gap(direction),
      next: () => this.bar.say("Nothing recorded here is sealed, so nothing can be proved wrong yet."),
      save: () => void this.save(), sound: () => this.sound(), download: () => this.marksBar.download(),
      markStart: () => this.marks.start(this.time), markEnd: () => this.marks.end(this.time),
      camera: (direction) => this._neighbour(direction),
      edge: (where) => this.seek(where === "start" ? this.window.from : this.window.to),
      page: (direction) => { this.look(pan(this.window, direction * spanOf(this.window) * 0.9)); },
      full: () => void (document.fullscreenElement ? document.exitFullscreen() : this.part("player").requestFullscreen()),
    };
  }

  toggle() {
    const player = /** @type {Player} */ (this.player);
    if (player.playing) player.pause();
    else player.play(Math.abs(player.speed));
  }

  sound() {
    const out = /** @type {Player} */ (this.player).sound;
    out.switch(!out.on);
    this.bar.sound(out.on);
  }

  /** @param {1|-1} direction */
  _neighbour(direction) {
    const at = this.cameras.indexOf(this.camera) + direction;
    if (this.cameras[at]) this.use(this.cameras[at]);
  }

  /** Save the picture on the canvas: nothing is asked of the recorder, nothing is coded twice. */
  async save() {
    const blob = await this.player?.snapshot();
    if (!blob) { this.bar.say("There is no picture to save."); return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.camera.id}-${new Date(this.time).toISOString().replaceAll(":", "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.bar.say(`Picture of ${clock(this.time, 3)} saved.`);
  }

  // ---------- listening ----------

  _listen() {
    const act = this.actions();
    document.addEventListener("keydown", (event) => {
      if (!forPage(event) || (event.key === " " && event.target instanceof Element && event.target.closest("button, a, summary"))) return;
      const does = meaning(event, act);
      if (!does) return;
      event.preventDefault();
      does();
    });
    this.root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? /** @type {HTMLElement|null} */ (event.target.closest("[data-do], [data-span]")) : null;
      if (!button) return;
      if (button.dataset.span) this.look(about(this._anchor(), Number(button.dataset.span)));
      else this._do(/** @type {string} */ (button.dataset.do), act);
    });
    this.part("camera").addEventListener("change", (event) => {
      const id = /** @type {HTMLSelectElement} */ (event.target).value;
      const camera = this.cameras.find((one) => one.id === id);
      if (camera) this.use(camera);
    });
    this._listenTime();
    this.book.addEventListener("change", () => this.paint());
    this.book.addEventListener("failure", (event) => this.bar.say(/** @type {CustomEvent} */ (event).detail.text));
    this.marks.addEventListener("change", () => this.paint());
    this.alarms.addEventListener("change", () => this.paint());
    if (this.root.dataset.events === "yes") void this.alarms.refresh();
    new ResizeObserver(() => this.paint()).observe(this.part("lanes"));
    setInterval(() => { if (!document.hidden) { this._again(); } }, AGAIN);
  }

  /** What is going on: newer pictures, and the end of a gap that had none. */
  _again() {
    if (this.root.dataset.events === "yes") void this.alarms.refresh();
    this.book.refresh(this.rows.shown().map((one) => one.id), this.window);
    this.paint();
    if (!this.bar.waiting || !this.player || this.player.playing || this.rows.held) return;
    this.player.recording.refresh();
    void this.player.seek(this.time);
  }

  /** The day buttons, and a time that is typed. */
  _listenTime() {
    const field = /** @type {HTMLInputElement} */ (this.part("find"));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const time = parseClock(field.value, this.time);
      field.setCustomValidity(time === null ? "Write a time of the day, such as 14:31:41." : "");
      if (time === null) field.reportValidity();
      else { this.seek(time); field.value = ""; field.blur(); }
    });
    field.addEventListener("input", () => field.setCustomValidity(""));
  }

  /** @param {string} what @param {import("./keys.js").Actions} act */
  _do(what, act) {
    /** @type {Record<string, () => void>} */
    const known = {
      back: act.back, "step-back": () => act.step(-1), toggle: act.toggle, "step-on": () => act.step(1), on: act.on, sound: act.sound,
      "mark-start": act.markStart, "mark-end": act.markEnd, save: act.save, full: act.full, unmark: () => this.marks.clear(),
      closer: () => act.zoom(0.5), further: () => act.zoom(2),
      "day-before": () => this.seek(this.time - DAY), "day-after": () => this.seek(this.time + DAY), newest: () => void this._toNewest(),
      list: () => this.list.toggle(), pin: () => void this.marksBar.pin(),
    };
    known[what]?.();
  }

  /** Camera and time in the address line, so that a link shows the same. */
  _save() {
    clearTimeout(this._saved);
    this._saved = window.setTimeout(() => {
      const query = new URLSearchParams({ camera: this.camera.id, t: String(Math.round(this.time)) });
      history.replaceState(null, "", `${location.pathname}?${query}`);
    }, SETTLED);
  }
}

/** A phone. */
export const narrow = () => matchMedia("(max-width: 720px)").matches;

export { LEVELS };
