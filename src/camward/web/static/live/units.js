// Access units to pictures with WebCodecs: low delay first; what can't be kept up with is left out up to a key picture.
import { LiveSound } from "./sound.js";

const VIDEO = 0;
const AUDIO = 1;
const KEY = 1;
const HEAD = 24;
const CLOCK = 90_000;
/** Pictures that may wait for the decoder when a key picture comes; more, and it starts anew at that one. */
const BEHIND = 20;

const bytes = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export class UnitPlayer {
  /**
   * @param {(picture: {utc: number}) => void} found  decoded
   * @param {(frame: VideoFrame, utc: number, width: number, height: number) => void} draw  takes the frame over
   */
  constructor(found, draw) {
    this._found = found;
    this._draw = draw;
    /** @type {VideoDecoder|null} */
    this._decoder = null;
    /** @type {VideoDecoderConfig|null} */
    this._config = null;
    this._waiting = true;
    /** Capture times of what the decoder holds, by time stamp. @type {Map<number, number>} */
    this._times = new Map();
    /** @type {LiveSound|null} */
    this._sound = null;
    this._audio = null;
    this._wantsSound = false;
    /** @type {ArrayBuffer[]} */
    this._early = [];
    this._configuring = 0;
    this.skipped = 0;
  }

  get hasSound() {
    return Boolean(this._audio);
  }

  /** @param {any} format the device's message @returns {Promise<boolean>} whether this browser can decode it */
  async configure(format) {
    /** @type {VideoDecoderConfig} */
    const config = { codec: format.codec, codedWidth: format.width, codedHeight: format.height, optimizeForLatency: true };
    const description = bytes(format.description);
    config.description = description;
    // What comes while we ask belongs to this format, and starts with the key picture we need.
    const turn = ++this._configuring;
    this._config = null;
    this._early = [];
    let supported = false;
    try {
      supported = (await VideoDecoder.isConfigSupported(config)).supported === true;
    } catch {
      supported = false;
    }
    if (turn !== this._configuring) return true;
    if (!supported) return false;
    this._config = config;
    this._audio = format.audio;
    this._restart();
    if (this._wantsSound) await this.setSound(true);
    const early = this._early;
    this._early = [];
    for (const message of early) this.take(message);
    return true;
  }

  /** @param {ArrayBuffer} message */
  take(message) {
    if (!this._config) {
      if (this._early.length < 600) this._early.push(message);
      return;
    }
    const view = new DataView(message);
    const track = view.getUint8(0);
    const key = (view.getUint8(1) & KEY) !== 0;
    const ticks = Number(view.getBigInt64(8));
    const data = new Uint8Array(message, HEAD);
    if (track === AUDIO) this._sound?.take(data);
    else if (track === VIDEO) this._picture(data, { key, ticks, utc: Number(view.getBigInt64(16)) / 1e6 });
  }

  /** @param {Uint8Array} data @param {{key: boolean, ticks: number, utc: number}} unit */
  _picture(data, { key, ticks, utc }) {
    if (key && this._decoder && this._decoder.decodeQueueSize > BEHIND && !this._waiting) {
      this.skipped += this._decoder.decodeQueueSize;
      this._restart();
    }
    if (this._waiting && !key) return;
    const decoder = this._decoder;
    if (!decoder || decoder.state !== "configured") return;
    this._waiting = false;
    const timestamp = Math.round((ticks * 1e6) / CLOCK);
    this._times.set(timestamp, utc);
    decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp, data }));
  }

  _restart() {
    if (!this._config) return;
    if (!this._decoder || this._decoder.state === "closed") {
      this._decoder = new VideoDecoder({ output: (frame) => this._output(frame), error: () => this._failed() });
    } else this._decoder.reset();
    this._times.clear();
    this._waiting = true;
    this._decoder.configure(this._config);
  }

  /** @param {VideoFrame} frame */
  _output(frame) {
    const utc = this._times.get(frame.timestamp);
    this._times.delete(frame.timestamp);
    if (utc === undefined) {
      frame.close();
      return;
    }
    this._found({ utc });
    this._draw(frame, utc, frame.displayWidth, frame.displayHeight);
  }

  /** Broken data: on with the next key picture. */
  _failed() {
    this._decoder = null;
    setTimeout(() => this._restart(), 0);
  }

  /** What was decoded so far counts no more (no signal). */
  reset() {
    this._restart();
    this._sound?.reset();
  }

  /** @param {boolean} on */
  async setSound(on) {
    this._wantsSound = on;
    this._sound?.close();
    this._sound = on && this._audio ? await LiveSound.open(this._audio) : null;
  }

  close() {
    this._configuring += 1;
    if (this._decoder && this._decoder.state !== "closed") this._decoder.close();
    this._decoder = null;
    this._config = null;
    this._sound?.close();
    this._sound = null;
  }
}
