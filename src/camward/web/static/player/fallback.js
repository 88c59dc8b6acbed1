// A player for browsers without WebCodecs: the browser's own <video>, ten minutes at a time.
//
// It tells the same events as the Player as far as a <video> can: no exact steps, no playing backwards.

import { sentence } from "./recording.js";

/** How much one request brings. */
const STRETCH = 600_000;
/** Without knowing better, a picture is this long. */
const PICTURE = 40;

export class PlainPlayer extends EventTarget {
  /** @param {HTMLVideoElement} video @param {import("./recording.js").Recording} recording */
  constructor(video, recording) {
    super();
    this.video = video;
    this.recording = recording;
    this.playing = false;
    this.speed = 1;
    this.time = 0;
    /** @type {{start: number, from: number, to: number}|null} `start`: the wall time of the video's time 0 */
    this._part = null;
    this.sound = { on: false, switch: (/** @type {boolean} */ on) => { video.muted = !on; this.sound.on = on; }, stop() {}, close() {} };
    video.muted = true;
    video.addEventListener("timeupdate", () => {
      if (!this._part || video.readyState < 2) return;
      this.time = this._part.start + video.currentTime * 1000;
      this._tell("time", { time: this.time });
      this._tell("picture", { time: this.time, index: null, count: null, config: null, quiet: false });
    });
    video.addEventListener("ended", () => void this.seek(this.time + PICTURE));
    video.addEventListener("error", () => { if (this._part) this._tell("failure", { text: video.error?.message || "This browser can’t play the recording." }); });
  }

  /** @param {number} time @returns {Promise<boolean>} */
  async seek(time) {
    this.time = time;
    this._tell("time", { time });
    if (!this._part || time < this._part.from || time >= this._part.to) {
      if (!(await this._open(time))) return false;
    }
    const part = this._part;
    if (part) this.video.currentTime = Math.max(0, (time - part.start) / 1000);
    if (this.playing) await this.video.play();
    return true;
  }

  /** @param {number} time */
  async _open(time) {
    const query = new URLSearchParams({ from: String(Math.floor(time)), to: String(Math.ceil(time + STRETCH)), stream: String(this.recording.stream) });
    try {
      const near = await this.recording.nextPicture(time);
      if (near === null || near > time + STRETCH) { this._part = null; this._tell("gap", { from: time, to: near }); return false; }
      const answer = await fetch(`${this.recording.base}/size?${query}`);
      if (!answer.ok) throw new Error(await sentence(answer));
      this._part = { start: (await answer.json()).start, from: Math.min(near, time), to: time + STRETCH };
      this.video.src = `${this.recording.base}/media?${query}`;
      return true;
    } catch (error) {
      this._tell("failure", { text: /** @type {Error} */ (error).message });
      return false;
    }
  }

  /** @param {number} time */
  scrub(time) { void this.seek(time); }

  /** @param {number} [speed] */
  play(speed = this.speed) {
    this.speed = Math.abs(speed);
    this.video.playbackRate = this.speed;
    this.playing = true;
    this._tell("state", { playing: true, speed: this.speed });
    if (this._part) void this.video.play();
    else void this.seek(this.time);
  }

  pause() {
    this.playing = false;
    this.video.pause();
    this._tell("state", { playing: false, speed: this.speed });
  }

  /** @param {1|-1} direction */
  async step(direction) {
    this.pause();
    return this.seek(this.time + direction * PICTURE);
  }

  /** @returns {Promise<Blob|null>} */
  snapshot() {
    const canvas = document.createElement("canvas");
    canvas.width = this.video.videoWidth;
    canvas.height = this.video.videoHeight;
    canvas.getContext("2d")?.drawImage(this.video, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  close() {
    this.video.removeAttribute("src");
    this.recording.close();
  }

  /** @param {string} type @param {object} detail */
  _tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
