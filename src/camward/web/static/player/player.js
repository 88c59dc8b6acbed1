// The player: exact pictures, playing at 0.25 to 16 times, single steps, key pictures while scrubbing.
//
// It draws each decoded picture itself, so the picture on the canvas is exactly the one whose time is told, and a step is
// exactly one picture. Up to 4x every picture is decoded; faster, and backwards, it goes from key picture to key picture.
//
// Events: "picture" {time, index, count, config} a picture was drawn; "time" {time}; "gap" {from, to} nothing is recorded
// here (`to` null: nothing after it either); "state" {playing, speed}; "loading" {loading}; "failure" {text}.

import { PictureDecoder } from "./decoder.js";
import { SoundOut } from "./sound.js";

/** @typedef {import("./recording.js").Recording} Recording @typedef {import("./recording.js").Place} Place @typedef {import("./recording.js").Group} Group */

export const SPEEDS = Object.freeze([0.25, 0.5, 1, 2, 4, 8, 16]);
/** Faster than this only key pictures are shown. */
const EVERY_PICTURE = 4;
/** Decoded pictures held ahead of the shown one. */
const FRAMES_AHEAD = 6;
/** How long a gap stays on the screen before playing goes on behind it. */
const GAP_SHOWN = 1000;

export class Player extends EventTarget {
  /** @param {HTMLCanvasElement} canvas @param {Recording} recording */
  constructor(canvas, recording) {
    super();
    this.canvas = canvas;
    this.recording = recording;
    this.playing = false;
    this.speed = 1;
    /** Where we are, also within a gap. */
    this.time = 0;
    /** The picture on the canvas. @type {Place|null} */
    this.shown = null;
    this.sound = new SoundOut();
    this._decoder = new PictureDecoder();
    /** Each action gets a number; an older one that is still waiting sees a newer number and gives up. */
    this._run = 0;
    /** What is fed next. @type {{group: Group, index: number}|null} */
    this._cursor = null;
    /** @type {{at: number, clock: number}} media time `at` was at `clock` */
    this._anchor = { at: 0, clock: 0 };
    /** @type {"feeding"|"gap"|"idle"} */
    this._feeder = "idle";
    /** @type {number|null} */
    this._scrubTo = null;
    this._scrubbing = false;
  }

  /**
   * Show exactly the picture of a time; pauses nothing and starts nothing.
   * @param {number} time
   * @returns {Promise<boolean>} whether there is a picture
   */
  async seek(time) {
    const run = ++this._run;
    this._scrubTo = null;
    this.sound.stop();
    this.time = time;
    this._tell("time", { time });
    return this._guard(run, async () => {
      const place = await this._located(run, time);
      if (run !== this._run) return false;
      if (!place) { await this._showGap(run, time, 1); return false; }
      if (!(await this._show(run, place))) return false;
      this.time = time;
      if (this.playing) this._roll(run);
      return true;
    });
  }

  /** While dragging: the key picture at or before a time; only the newest wish is followed. @param {number} time */
  scrub(time) {
    this.time = time;
    this._tell("time", { time });
    this._scrubTo = time;
    if (this.playing) this.pause();
    if (!this._scrubbing) void this._scrubLoop();
  }

  async _scrubLoop() {
    this._scrubbing = true;
    try {
      while (this._scrubTo !== null) {
        const time = this._scrubTo;
        this._scrubTo = null;
        const run = ++this._run;
        await this._guard(run, async () => {
          const place = await this.recording.locate(time, { ahead: 1, wanted: () => run === this._run });
          if (run !== this._run) return;
          if (place) await this._show(run, { group: place.group, index: 0 }, { quiet: true });
          else this._tell("gap", { from: time, to: null, passing: true });
        });
      }
    } finally {
      this._scrubbing = false;
    }
  }

  /** Play at a speed; negative: backwards. @param {number} [speed] */
  play(speed = this.speed) {
    this.speed = speed;
    this.playing = true;
    const run = ++this._run;
    this.sound.stop();
    this._tell("state", { playing: true, speed });
    void this._guard(run, async () => {
      if (!this.shown || this.time < this.shown.group.start || this.time > this.shown.group.end) {
        const place = await this._located(run, this.time);
        if (run !== this._run) return;
        if (!place) { await this._showGap(run, this.time, Math.sign(speed)); return; }
        await this._show(run, place);
      }
      if (run === this._run) this._roll(run);
    });
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    ++this._run;
    this.sound.stop();
    if (this.shown) this.time = this.shown.group.times[this.shown.index];
    this._tell("state", { playing: false, speed: this.speed });
    this._tell("time", { time: this.time });
  }

  /**
   * One picture on (1) or back (-1).
   * @param {1|-1} direction
   * @returns {Promise<boolean>} whether there was one
   */
  async step(direction) {
    this.pause();
    const run = ++this._run;
    this._scrubTo = null;
    return this._guard(run, async () => {
      let place = this.shown;
      if (!place) return false;
      const index = place.index + direction;
      if (index >= 0 && index < place.group.times.length) place = { group: place.group, index };
      else if (direction > 0) {
        const group = await this.recording.next(place.group, () => run === this._run);
        if (run !== this._run) return false;
        if (!group) { this.time = place.group.end; await this._showGap(run, place.group.end, 1); return false; }
        place = { group, index: 0 };
      } else {
        const before = await this.recording.locate(place.group.start - 1, { wanted: () => run === this._run });
        if (run !== this._run) return false;
        if (!before) { await this._showGap(run, place.group.start - 1, -1); return false; }
        place = { group: before.group, index: before.group.times.length - 1 };
      }
      if (!(await this._show(run, place))) return false;
      this.time = place.group.times[place.index];
      this._tell("time", { time: this.time });
      return true;
    });
  }

  /** The picture on the canvas as a PNG, at its own size. @returns {Promise<Blob|null>} */
  snapshot() {
    return new Promise((resolve) => (this.shown ? this.canvas.toBlob(resolve, "image/png") : resolve(null)));
  }

  close() {
    ++this._run;
    this.playing = false;
    this._decoder.close();
    this.sound.close();
    this.recording.close();
  }

  // ---------- one picture ----------

  /**
   * Decode and draw one picture, going on from where the decoder stands when that is nearer than the key picture.
   * @param {number} run @param {Place} place @param {{quiet?: boolean}} [options]
   * @returns {Promise<boolean>} false: a newer action came
   */
  async _show(run, place, { quiet = false } = {}) {
    const { group, index } = place;
    const time = group.times[index];
    const decoder = this._decoder;
    const cursor = this._cursor;
    const goesOn = cursor && cursor.group === group && decoder.fits(group.config) && (decoder.has(time) || this._comesAfter(cursor, time));
    if (!goesOn) {
      await this._restart(group);
      if (run !== this._run) return false;
    }
    decoder.want(time);
    while (!decoder.has(time)) {
      if (decoder.error) throw decoder.error;
      const next = /** @type {{group: Group, index: number}} */ (this._cursor);
      const last = group.pictures.findIndex((picture) => picture.time === time);
      if (next.index <= last) decoder.feed(group.pictures[next.index++]);
      else {
        await decoder.arrival(decoder.waiting ? 200 : 25);
        if (run !== this._run) return false;
        if (decoder.has(time) || decoder.waiting) continue;
        if (next.index < group.pictures.length) decoder.feed(group.pictures[next.index++]);
        else {
          await decoder.flush();
          this._cursor = null; // after a flush a key picture must follow
          if (run !== this._run) return false;
          if (!decoder.has(time)) throw decoder.error ?? new Error("This picture can’t be decoded.");
        }
      }
    }
    const frame = decoder.take(time);
    if (!frame) return false;
    this._draw(frame, place, quiet);
    return true;
  }

  /** Whether the decoder will still give the picture of this time. @param {{group: Group, index: number}} cursor @param {number} time */
  _comesAfter(cursor, time) {
    return cursor.group.pictures.findIndex((picture) => picture.time === time) >= cursor.index;
  }

  /** @param {Group} group */
  async _restart(group) {
    if (!this._decoder.fits(group.config)) {
      const { supported } = await VideoDecoder.isConfigSupported(group.config);
      if (!supported) throw new Unsupported(group.config.codec);
    }
    this._decoder.start(group.config);
    this._cursor = { group, index: 0 };
  }

  /** @param {VideoFrame} frame @param {Place} place @param {boolean} [quiet] */
  _draw(frame, place, quiet = false) {
    const { canvas } = this;
    if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
      canvas.width = frame.displayWidth;
      canvas.height = frame.displayHeight;
    }
    canvas.getContext("2d", { alpha: false })?.drawImage(frame, 0, 0, canvas.width, canvas.height);
    frame.close();
    this.shown = place;
    const { group, index } = place;
    this._tell("picture", { time: group.times[index], index, count: group.times.length, config: group.config, quiet });
  }

  // ---------- playing ----------

  /** @param {number} run */
  _roll(run) {
    this._anchor = { at: this.time, clock: performance.now() };
    if (this.speed < 0 || this.speed > EVERY_PICTURE) { void this._guard(run, () => this._skim(run)); return; }
    this._feeder = "idle";
    this._gap = null;
    requestAnimationFrame(() => this._tick(run, performance.now()));
  }

  /** @param {number} run @param {number} before when the last tick was */
  _tick(run, before) {
    if (run !== this._run || !this.playing) return;
    const now = performance.now();
    if (now - before > 500) this._anchor = { at: this.time, clock: now }; // the page slept
    let target = this._anchor.at + (now - this._anchor.clock) * this.speed;
    if (this._feeder === "idle") void this._guard(run, () => this._feed(run));
    const frame = this._due(target);
    if (frame) {
      const place = this._placeOf(frame);
      if (place) this._draw(frame, place);
      else frame.close();
      this._loading(false);
    }
    const shown = this.shown;
    const showing = shown ? shown.group.times[shown.index] : target;
    const pending = this._decoder.frames.length || this._decoder.waiting;
    if (this._gap && !pending && target >= this._gap) {
      const at = this._gap;
      void this._guard(run, () => this._showGap(run, at, 1));
      return;
    }
    if (!pending && !this._gap && target > showing + 250 * Math.max(1, this.speed)) {
      // Nothing to show yet: time waits for pictures, it does not run ahead of them.
      target = this.time;
      this._anchor = { at: target, clock: now };
      this._loading(true);
    }
    this.time = target;
    this._tell("time", { time: target });
    requestAnimationFrame(() => this._tick(run, now));
  }

  /** The newest decoded picture that is due; older ones are dropped. @param {number} target @returns {VideoFrame|null} */
  _due(target) {
    let due = null;
    const { frames } = this._decoder;
    while (frames.length && frames[0].timestamp <= target * 1000) {
      due?.close();
      due = /** @type {VideoFrame} */ (frames.shift());
    }
    return due;
  }

  /** @param {VideoFrame} frame @returns {Place|null} */
  _placeOf(frame) {
    for (const group of [this.shown?.group, this._cursor?.group, ...this._fed]) {
      if (!group) continue;
      const index = group.times.findIndex((time) => Math.round(time * 1000) === frame.timestamp);
      if (index >= 0) return { group, index };
    }
    return null;
  }

  /** Groups fed lately. @type {Group[]} */
  _fed = [];
  /** Where the recording stops, known when the feeder got there. @type {number|null} */
  _gap = null;
  _isLoading = false;

  /** Keep the decoder a few pictures ahead. @param {number} run */
  async _feed(run) {
    if (this._gap) return;
    this._feeder = "feeding";
    const decoder = this._decoder;
    try {
      while (run === this._run && decoder.frames.length + decoder.waiting < FRAMES_AHEAD * Math.max(1, this.speed)) {
        if (decoder.error) throw decoder.error;
        if (!this._cursor) {
          // After a flush: go on with the next group, or decode this one again.
          const group = this.shown?.group;
          if (!group) return;
          await this._restart(group);
          decoder.want(group.times[/** @type {Place} */ (this.shown).index] + 0.001);
        }
        const cursor = /** @type {{group: Group, index: number}} */ (this._cursor);
        if (cursor.index < cursor.group.pictures.length) {
          if (cursor.index === 0) this._hear(cursor.group);
          decoder.feed(cursor.group.pictures[cursor.index++]);
          continue;
        }
        const next = await this.recording.next(cursor.group, () => run === this._run);
        if (run !== this._run) return;
        if (cursor.index < cursor.group.pictures.length) continue; // it grew meanwhile
        if (!next) {
          await decoder.flush();
          this._cursor = null;
          this._gap = cursor.group.end;
          return;
        }
        if (!decoder.fits(next.config)) {
          await decoder.flush();
          const held = decoder.frames.splice(0);
          await this._restart(next);
          decoder.frames.unshift(...held);
        }
        this._fed = [cursor.group, ...this._fed].slice(0, 3);
        this._cursor = { group: next, index: 0 };
        this.recording.prefetch(next.end + 4000);
      }
    } finally {
      if (run === this._run) this._feeder = "idle";
    }
  }

  /** @param {Group} group */
  _hear(group) {
    if (this.speed === 1 && this.sound.on && group.soundConfig) this.sound.schedule(group.soundConfig, group.sounds, () => this.time);
  }

  /** From key picture to key picture, fast or backwards. @param {number} run */
  async _skim(run) {
    while (run === this._run && this.playing) {
      const time = this._anchor.at + (performance.now() - this._anchor.clock) * this.speed;
      const place = await this.recording.locate(time, { ahead: this.speed > 0 ? 2000 * this.speed : 1, wanted: () => run === this._run });
      if (run !== this._run) return;
      if (!place) { await this._showGap(run, time, Math.sign(this.speed)); return; }
      if (place.group !== this.shown?.group || this.shown.index !== 0) {
        const held = performance.now();
        if (!(await this._show(run, { group: place.group, index: 0 }))) return;
        if (performance.now() - held > 1000) this._anchor = { at: time, clock: performance.now() };
      }
      this.time = time;
      this._tell("time", { time });
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }

  // ---------- gaps ----------

  /**
   * Say that nothing is recorded here; when playing, go on behind it after a second.
   * @param {number} run @param {number} at @param {number} direction
   */
  async _showGap(run, at, direction) {
    this.shown = null;
    this._cursor = null;
    this._decoder.drop();
    this.sound.stop();
    const until = direction < 0 ? await this.recording.previousEnd(at) : await this.recording.nextStart(at);
    if (run !== this._run) return;
    this.time = at;
    this._loading(false);
    this._tell("time", { time: at });
    this._tell("gap", { from: at, to: until });
    if (!this.playing) return;
    if (until === null) { this._ended(); return; }
    await new Promise((resolve) => setTimeout(resolve, GAP_SHOWN));
    if (run !== this._run || !this.playing) return;
    this.recording.refresh();
    const landed = direction < 0 ? until - 1 : until;
    const place = await this._located(run, landed);
    if (run !== this._run) return;
    this.time = place ? Math.max(landed, place.group.times[place.index]) : landed;
    if (place && (await this._show(run, place))) this._roll(run);
    else if (run === this._run) this._ended();
  }

  _ended() {
    this.playing = false;
    this._tell("state", { playing: false, speed: this.speed });
  }

  // ---------- telling ----------

  /** @param {number} run @param {number} time */
  async _located(run, time) {
    const slow = setTimeout(() => run === this._run && this._loading(true), 150);
    try {
      return await this.recording.locate(time, { wanted: () => run === this._run });
    } finally {
      clearTimeout(slow);
      if (run === this._run) this._loading(false);
    }
  }

  /** @param {boolean} loading */
  _loading(loading) {
    if (loading === this._isLoading) return;
    this._isLoading = loading;
    this._tell("loading", { loading });
  }

  /**
   * @template T
   * @param {number} run @param {() => Promise<T>} action
   * @returns {Promise<T|false>}
   */
  async _guard(run, action) {
    try {
      return await action();
    } catch (error) {
      if (run !== this._run) return false; // what it stumbled over is no longer wanted
      if (error instanceof Unsupported && this.recording.stream === 1) {
        this._tell("unsupported", { codec: error.codec });
        return false;
      }
      this.playing = false;
      this._loading(false);
      this._tell("state", { playing: false, speed: this.speed });
      this._tell("failure", { text: /** @type {Error} */ (error).message });
      return false;
    }
  }

  /** @param {string} type @param {object} detail */
  _tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** This browser has no decoder for the codec. */
export class Unsupported extends Error {
  /** @param {string} codec */
  constructor(codec) {
    super(`This browser can’t decode ${codec}.`);
    this.codec = codec;
  }
}
