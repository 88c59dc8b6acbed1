// MP4 fragments to pictures with Media Source Extensions: for browsers without WebCodecs, and for codecs they leave out.

/** Seconds behind the newest picture: more than the first (with sound: the second), and playback hurries; more than the third, a jump. */
const LATE = 0.06;
const LATE_SOUND = 0.25;
const JUMP = 0.6;
/** Milliseconds between jumps at first: each decodes anew from a key picture, and a slow machine must not only jump. */
const PATIENCE = 2000;
const KEPT = 10;
const NTP_1900 = 2_208_988_800;

export class Mp4Player {
  /**
   * @param {(picture: {utc: number}) => void} found
   * @param {(image: HTMLVideoElement, utc: number, width: number, height: number) => void} draw
   */
  constructor(found, draw) {
    this._found = found;
    this._draw = draw;
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    this._video = video;
    /** @type {SourceBuffer|null} */
    this._buffer = null;
    /** @type {ArrayBuffer[]} */
    this._queue = [];
    this._url = "";
    /** Capture time minus media time, ms. */
    this._zero = 0;
    this._timescale = 90_000;
    this._closed = false;
    this._audio = false;
    this._jumped = -Infinity;
    this._patience = PATIENCE;
    this._watch();
  }

  get hasSound() {
    return this._audio;
  }

  /** @param {any} format @returns {Promise<boolean>} */
  async configure(format) {
    if (typeof MediaSource === "undefined" || !MediaSource.isTypeSupported(format.mime)) return false;
    this._audio = format.audio;
    const source = new MediaSource();
    if (this._url) URL.revokeObjectURL(this._url);
    this._url = URL.createObjectURL(source);
    this._buffer = null;
    this._queue = [];
    this._video.src = this._url;
    source.addEventListener(
      "sourceopen",
      () => {
        if (this._closed) return;
        const buffer = source.addSourceBuffer(format.mime);
        buffer.addEventListener("updateend", () => this._pump());
        this._buffer = buffer;
        this._pump();
      },
      { once: true },
    );
    void this._video.play().catch(() => {});
    return true;
  }

  /** @param {ArrayBuffer} message */
  take(message) {
    const view = new DataView(message);
    if (view.byteLength > 32 && view.getUint32(4) === 0x70726674 && view.getUint32(12) === 1) {
      const utc = (view.getUint32(16) - NTP_1900) * 1000 + (view.getUint32(20) / 2 ** 32) * 1000;
      this._zero = utc - (Number(view.getBigUint64(24)) / this._timescale) * 1000;
    }
    this._queue.push(message);
    this._pump();
  }

  _pump() {
    const buffer = this._buffer;
    if (!buffer || buffer.updating || this._closed || this._video.error) return;
    const message = this._queue.shift();
    if (message) {
      buffer.appendBuffer(message);
      return;
    }
    const ranges = this._video.buffered;
    if (ranges.length && this._video.currentTime - ranges.start(0) > 2 * KEPT) buffer.remove(0, this._video.currentTime - KEPT);
  }

  /** Follow the newest picture, and hand each one shown to the canvas. */
  _watch() {
    const step = (/** @type {number} */ _now, /** @type {VideoFrameCallbackMetadata} */ meta) => {
      if (this._closed) return;
      const utc = this._zero + meta.mediaTime * 1000;
      this._found({ utc });
      this._draw(this._video, utc, this._video.videoWidth, this._video.videoHeight);
      this._catchUp();
      this._video.requestVideoFrameCallback(step);
    };
    this._video.requestVideoFrameCallback(step);
    this._timer = setInterval(() => this._catchUp(), 500);
  }

  _catchUp() {
    const ranges = this._video.buffered;
    if (!ranges.length) return;
    const end = ranges.end(ranges.length - 1);
    const late = end - this._video.currentTime;
    const allowed = this._video.muted ? LATE : LATE_SOUND;
    const now = performance.now();
    const outside = this._video.currentTime < ranges.start(ranges.length - 1);
    if ((outside || late > JUMP + allowed) && !this._video.seeking && now - this._jumped > this._patience) {
      this._patience = Number.isFinite(this._jumped) ? Math.min(30_000, this._patience * 2) : PATIENCE;
      this._jumped = now;
      this._video.currentTime = Math.max(ranges.start(ranges.length - 1), end - allowed);
    } else if (late < JUMP) this._patience = PATIENCE;
    this._video.playbackRate = late > allowed ? 1 + Math.min(0.5, late - allowed) : 1;
    if (this._video.paused) void this._video.play().catch(() => {});
  }

  reset() {
    this._queue = [];
  }

  /** @param {boolean} on */
  async setSound(on) {
    this._video.muted = !on;
  }

  close() {
    this._closed = true;
    clearInterval(this._timer);
    this._video.removeAttribute("src");
    this._video.load();
    if (this._url) URL.revokeObjectURL(this._url);
  }
}
