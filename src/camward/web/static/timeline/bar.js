// The player's caption and controls: time, what is shown, speed, and a sentence where there is no picture.

import { clock, date, length, zone } from "./words.js";

/** @typedef {import("./page.js").TimelinePage} Page */

/** How long a passing remark stays. */
const REMARK = 6000;

export class PlayerBar {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this._said = 0;
    /** Whether the page stands where nothing is recorded yet, and something may come. */
    this.waiting = false;
    this.speed = /** @type {HTMLSelectElement} */ (page.part("speed"));
    this.speed.addEventListener("change", () => {
      const player = page.player;
      if (!player) return;
      const speed = Number(this.speed.value) * (player.speed < 0 ? -1 : 1);
      if (player.playing) player.play(speed);
      else player.speed = speed;
    });
  }

  /** @param {import("../player/player.js").Player} player @param {import("./page.js").Camera} camera */
  follow(player, camera) {
    const { page } = this;
    page.part("shown-camera").textContent = camera.name;
    page.part("player").setAttribute("aria-label", `Player: ${camera.name}`);
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ act) =>
      player.addEventListener(type, (event) => { if (page.player === player) act(/** @type {CustomEvent} */ (event).detail); });
    on("picture", (detail) => this._picture(detail));
    on("gap", (detail) => this.gap(detail));
    on("state", () => this._state());
    on("loading", ({ loading }) => { page.part("loading").hidden = !loading; });
    on("failure", ({ text }) => this.fail(text));
    this._state();
  }

  /** @param {number} time */
  time(time) {
    this.page.part("time").textContent = clock(time, 3);
    this.page.part("date").textContent = `${date(time)} ${zone(time)}`;
  }

  /** @param {{time: number, index: number|null, count: number|null}} picture */
  _picture({ time, index, count }) {
    this.waiting = false;
    this._sentence("");
    this.page.part("count").textContent = index === null ? "" : ` · picture ${index + 1} of ${count}`;
    this.page.part("mark").hidden = false;
    this.page.part("proof-time").textContent = clock(time);
    this.page.part("canvas").setAttribute("aria-label", `${this.page.camera.name}, recorded ${clock(time)}, ${date(time)}`);
    if (!this.page.player?.playing) this.time(time);
  }

  /** A gap is a sentence. @param {{from: number, to: number|null, passing?: boolean, none?: boolean}} gap */
  gap({ from, to, passing = false, none = false }) {
    const { page } = this;
    this.waiting = to === null && !passing;
    const here = page.book.at(page.camera.id, from);
    page.part("count").textContent = "";
    page.part("mark").hidden = true;
    const known = here && here.state !== "recorded" ? here : null;
    if (none) { this._sentence(`${page.camera.name} has recorded nothing yet.`, "Its first pictures come a few seconds after it was added."); return; }
    const first = known?.reason || "Nothing is recorded here.";
    if (to === null && passing) this._sentence(first, "");
    else if (to === null) this._sentence(first, from > Date.now() - 5000 ? "This is the newest." : "Nothing was recorded after this.");
    else this._sentence(first, page.player?.playing ? `Going on at ${clock(to)}.` : `The next picture is at ${clock(to)}, ${length(Math.max(0, to - from))} later.`);
  }

  /** @param {string} text */
  fail(text) {
    this._sentence("This can’t be shown.", text);
    this.say(text);
  }

  /** In place of a picture; empty: there is one. @param {string} text @param {string} [more] */
  _sentence(text, more = "") {
    const { page } = this;
    page.part("none").hidden = !text;
    page.part("none-text").textContent = text;
    page.part("none-more").textContent = more;
  }

  /** A remark that passes; also spoken. @param {string} text */
  say(text) {
    const said = this.page.part("said");
    said.textContent = text;
    clearTimeout(this._said);
    this._said = window.setTimeout(() => { said.textContent = ""; }, REMARK);
  }

  _state() {
    const { player } = this.page;
    if (!player) return;
    const toggle = this.page.part("toggle");
    toggle.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    toggle.setAttribute("title", player.playing ? "Pause (K)" : "Play (K)");
    toggle.toggleAttribute("data-playing", player.playing);
    this.speed.value = String(Math.abs(player.speed));
    this.page.part("backwards").hidden = !(player.playing && player.speed < 0);
    this.sound(player.sound.on);
  }

  /** @param {boolean} on */
  sound(on) {
    const button = this.page.part("sound");
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("title", on ? "Sound off (M)" : "Sound on (M)");
  }
}
