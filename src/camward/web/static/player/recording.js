// One camera's recording as the player sees it: groups of pictures, fetched when they are needed, held within a limit.
//
// Times are milliseconds since 1970. The server answers /media with an MP4 that starts at the key picture at or before
// `from`; its media times are UTC, or its prft boxes say what they are.

import { Mp4Parser } from "./mp4.js";

/**
 * @typedef {{time: number, duration: number, key: boolean, data: Uint8Array}} Picture
 * @typedef {{time: number, duration: number, data: Uint8Array}} Sound
 * @typedef {object} Group      pictures from one key picture to before the next
 * @property {number} start
 * @property {number} end       when the last picture ends
 * @property {Picture[]} pictures in decoding order
 * @property {number[]} times   of the pictures, ascending: the order in which they are shown
 * @property {VideoDecoderConfig} config
 * @property {Sound[]} sounds
 * @property {AudioDecoderConfig|null} soundConfig
 * @property {number} bytes
 *
 * @typedef {{group: Group, index: number}} Place  a picture; `index` is in `group.times`
 */

/** Pictures further apart than this have a gap between them. */
const JOIN = 1500;
/** Bytes of groups held; the least recently used go first. */
const HELD = 96 << 20;
/** How much is fetched at once when playing. */
const AHEAD = 8000;

export class Recording {
  /**
   * @param {string} base  "/api/v1/cameras/<id>"
   * @param {{stream?: number, fetch?: typeof fetch}} [options]
   */
  constructor(base, { stream = 1, fetch: get = (...args) => fetch(...args) } = {}) {
    this.base = base;
    this.stream = stream;
    this._fetch = get;
    /** @type {Group[]} */
    this._groups = [];
    /** Groups in order of use, last used last. @type {Set<Group>} */
    this._used = new Set();
    this._bytes = 0;
    /** Spans that were fetched to their end. @type {{from: number, to: number}[]} */
    this._covered = [];
    /** @type {Set<Load>} */
    this._loads = new Set();
  }

  /**
   * The picture shown at a time; null when nothing is recorded there, or when it is no longer wanted.
   * @param {number} time
   * @param {{ahead?: number, wanted?: () => boolean}} [options] `ahead`: how much to fetch from there on, ms
   * @returns {Promise<Place|null>}
   */
  async locate(time, { ahead = AHEAD, wanted = () => true } = {}) {
    while (wanted()) {
      const place = this._lookUp(time);
      if (place) return place;
      if (this._isMissing(time)) return null;
      const load = this._under(time) ?? this._load(time, ahead);
      await load.progress();
    }
    return null;
  }

  /** Known to hold nothing. @param {number} time */
  _isMissing(time) {
    return this._covered.some((span) => span.from <= time && time < span.to);
  }

  /** The request under way that will bring a time. @param {number} time */
  _under(time) {
    return [...this._loads].find((one) => one.from <= time && time < one.to && !one.stopped);
  }

  /** Ask for the part from a time on; what is asked for far from there is no longer of use. @param {number} time @param {number} ahead */
  _load(time, ahead) {
    for (const old of this._loads) if (ahead < AHEAD || Math.abs(old.from - time) > 4 * AHEAD) old.stop();
    const load = new Load(this, time, time + ahead);
    this._loads.add(load);
    load.finished = load.run().finally(() => this._loads.delete(load));
    load.finished.catch(() => {});
    return load;
  }

  /**
   * The group after another; null when a gap or the end follows, or when it is no longer wanted.
   * @param {Group} group
   * @param {() => boolean} [wanted]
   * @returns {Promise<Group|null>}
   */
  async next(group, wanted) {
    const found = this._groups.find((one) => one.start > group.start);
    if (found && found.start - group.end < JOIN && this._whole(group)) return found;
    const place = await this.locate(group.end + 1, { wanted });
    return place && place.group !== group ? place.group : null;
  }

  /** Get the part after a time early. @param {number} time */
  prefetch(time) {
    if (!this._lookUp(time) && !this._isMissing(time) && !this._loads.size) this._load(time, AHEAD);
  }

  /**
   * When the recording goes on after a time; null when it does not.
   * @param {number} time
   * @returns {Promise<number|null>}
   */
  async nextStart(time) {
    return (await this._edge(time, Date.now() + 60_000, "first"))?.from ?? null;
  }

  /** The time itself when something is recorded there, else when the recording goes on after it. @param {number} time */
  async nextPicture(time) {
    const from = await this.nextStart(time);
    return from === null ? null : Math.max(from, time);
  }

  /**
   * When the recording before a time ended; null when there is none.
   * @param {number} time
   * @returns {Promise<number|null>}
   */
  async previousEnd(time) {
    return (await this._edge(0, time, "last"))?.to ?? null;
  }

  /** @param {number} from @param {number} to @param {"first"|"last"} which @returns {Promise<{from: number, to: number}|null>} */
  async _edge(from, to, which) {
    const query = new URLSearchParams({ from: String(from), to: String(to), which, stream: String(this.stream) });
    const answer = await this._fetch(`${this.base}/edge?${query}`);
    if (!answer.ok) throw new Error(await sentence(answer));
    return (await answer.json()).span;
  }

  /** Forget what is known to be missing; new pictures may have been recorded since. */
  refresh() {
    this._covered = [];
  }

  close() {
    for (const load of this._loads) load.stop();
    this._groups = [];
    this._used.clear();
  }

  /** @param {Group} group */
  _whole(group) {
    return ![...this._loads].some((load) => load.last === group);
  }

  /** @param {number} time @returns {Place|null} */
  _lookUp(time) {
    let low = 0;
    let high = this._groups.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this._groups[middle].start <= time) low = middle + 1;
      else high = middle;
    }
    const group = this._groups[low - 1];
    if (!group) return null;
    const after = this._groups[low];
    const until = after && after.start - group.end < JOIN && this._whole(group) ? after.start : group.end;
    if (time >= until) return null;
    let index = group.times.length - 1;
    while (index > 0 && group.times[index] > time) index--;
    if (index === group.times.length - 1 && !this._whole(group)) return null; // the next fragment may have a nearer one
    this._used.delete(group);
    this._used.add(group);
    return { group, index };
  }

  /** @param {Group} group @returns {Group} the one held: a group fetched twice is kept once */
  _add(group) {
    const at = this._groups.findIndex((one) => one.start >= group.start - 1);
    if (at >= 0 && Math.abs(this._groups[at].start - group.start) <= 1) {
      const old = this._groups[at];
      if (old.times.length >= group.times.length) return old;
      this._drop(old);
    }
    const place = this._groups.findIndex((one) => one.start > group.start);
    this._groups.splice(place < 0 ? this._groups.length : place, 0, group);
    this._used.add(group);
    return group;
  }

  /** @param {Group} group */
  _drop(group) {
    this._groups = this._groups.filter((one) => one !== group);
    this._used.delete(group);
    this._bytes -= group.bytes;
    this._covered = this._covered.filter((span) => span.to <= group.start || span.from >= group.end);
  }

  /** @param {number} bytes @param {Group|null} keep */
  _grew(bytes, keep) {
    this._bytes += bytes;
    for (const group of this._used) {
      if (this._bytes <= HELD) break;
      if (group !== keep) this._drop(group);
    }
  }
}

/** One request for media, taken in as it arrives. */
class Load {
  /** @param {Recording} recording @param {number} from @param {number} to */
  constructor(recording, from, to) {
    this.recording = recording;
    this.from = from;
    this.to = to;
    /** The group that may still grow. @type {Group|null} */
    this.last = null;
    /** @type {Promise<void>} */
    this.finished = Promise.resolve();
    this._abort = new AbortController();
    /** @type {(() => void)[]} */
    this._waiting = [];
    this._soundConfig = /** @type {AudioDecoderConfig|null} */ (null);
  }

  /** Settles when more came, or with the error that ended the load. */
  progress() {
    return Promise.race([this.finished, new Promise((resolve) => this._waiting.push(() => resolve(undefined)))]);
  }

  get stopped() {
    return this._abort.signal.aborted;
  }

  stop() {
    this._abort.abort();
  }

  async run() {
    const { recording, from, to } = this;
    const query = new URLSearchParams({ from: String(from), to: String(to), stream: String(recording.stream) });
    const asked = Date.now();
    try {
      const answer = await recording._fetch(`${recording.base}/media?${query}`, { signal: this._abort.signal });
      if (!answer.ok) throw new Error(await sentence(answer));
      const parser = new Mp4Parser();
      if (answer.status !== 204 && answer.body) {
        const reader = answer.body.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          for (const part of parser.push(value)) if (part.kind === "fragment") this._take(part);
        }
      }
      // What is being recorded now grows; only what is past is known to be missing.
      const to_ = Math.min(to, asked - 2 * JOIN);
      if (to_ > from) recording._covered.push({ from, to: to_ });
      else await new Promise((resolve) => setTimeout(resolve, 250));
      this.last = null;
      if (to_ <= from && !recording._lookUp(from)) recording._covered.push({ from, to: from + 250 });
    } catch (error) {
      this.last = null;
      if (!this.stopped) throw error; // whoever waits for progress gets it through `finished`
    }
    this.last = null;
    this._wake();
  }

  _wake() {
    const waiting = this._waiting;
    this._waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** @param {Extract<import("./mp4.js").Part, {kind: "fragment"}>} part */
  _take(part) {
    const shift = (/** @type {import("./mp4.js").TrackInfo} */ track) =>
      part.reference && part.reference.track === track.id ? part.reference.ms - (part.reference.media / track.timescale) * 1000 : null;
    const video = part.samples.find((sample) => sample.track.kind === "video");
    const common = video ? shift(video.track) : null;
    for (const sample of part.samples) {
      const ms = 1000 / sample.track.timescale;
      const time = sample.time * ms + (shift(sample.track) ?? common ?? 0);
      const duration = sample.duration * ms;
      if (sample.track.kind === "video") this._picture({ time, duration, key: sample.key, data: sample.data }, sample.track);
      else if (sample.track.kind === "audio" && this.last) {
        this.last.soundConfig ??= { codec: sample.track.codec, sampleRate: sample.track.sampleRate ?? 48_000, numberOfChannels: sample.track.channels ?? 1, description: sample.track.description };
        this.last.sounds.push({ time, duration, data: sample.data });
      }
    }
    this._wake();
  }

  /** @param {Picture} picture @param {import("./mp4.js").TrackInfo} track */
  _picture(picture, track) {
    const bytes = picture.data.length;
    if (picture.key) {
      const config = { codec: track.codec, description: track.description, codedWidth: track.width, codedHeight: track.height, optimizeForLatency: true };
      const end = picture.time + picture.duration;
      const group = { start: picture.time, end, pictures: [picture], times: [picture.time], config, sounds: [], soundConfig: null, bytes };
      this.last = this.recording._add(group);
      if (this.last === group) this.recording._grew(bytes, group);
      return;
    }
    const group = this.last;
    if (!group || picture.time < group.start || picture.time - group.end > JOIN) return;
    if (group.times.some((time) => Math.abs(time - picture.time) < 0.5)) return; // held already, from another request
    group.pictures.push(picture);
    let at = group.times.length;
    while (at > 0 && group.times[at - 1] > picture.time) at--;
    group.times.splice(at, 0, picture.time);
    group.end = Math.max(group.end, picture.time + picture.duration);
    group.bytes += bytes;
    this.recording._grew(bytes, group);
  }
}

/** What a refused request says, for a person. @param {Response} answer */
export async function sentence(answer) {
  try {
    const body = await answer.json();
    return [body.what ?? body.detail, body.why, body.next].filter(Boolean).join(" ") || answer.statusText;
  } catch {
    return `The recorder answered ${answer.status}.`;
  }
}
