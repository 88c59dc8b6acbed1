// Coded pictures in, decoded ones out by their time: a thin, restartable cover over WebCodecs' VideoDecoder.

/** @param {number} ms */
const micro = (ms) => Math.round(ms * 1000);

export class PictureDecoder {
  constructor() {
    /** Decoded, in order of time, not before `wanted`. @type {VideoFrame[]} */
    this.frames = [];
    /** @type {Error|null} */
    this.error = null;
    this._wanted = -Infinity;
    /** @type {VideoDecoder|null} */
    this._decoder = null;
    this._config = "";
    /** @type {(() => void)|null} */
    this._arrived = null;
  }

  /** Pictures given but not yet taken by the decoder. */
  get waiting() {
    return this._decoder?.decodeQueueSize ?? 0;
  }

  /**
   * Start at a key picture with this configuration; what was decoded before is dropped.
   * @param {VideoDecoderConfig} config
   */
  start(config) {
    this.drop();
    this._wanted = -Infinity;
    this.error = null;
    if (this._decoder && this._decoder.state !== "closed") this._decoder.reset();
    else this._decoder = this._make();
    this._decoder.configure(config);
    this._config = key(config);
  }

  /** Whether pictures of this configuration can follow without a restart. @param {VideoDecoderConfig} config */
  fits(config) {
    return this._decoder?.state === "configured" && this._config === key(config);
  }

  /** Decoded pictures before this time are not kept. @param {number} time */
  want(time) {
    this._wanted = micro(time);
  }

  /** @param {import("./recording.js").Picture} picture */
  feed(picture) {
    if (!this._decoder || this._decoder.state !== "configured") throw this.error ?? new Error("the decoder is not started");
    this._decoder.decode(new EncodedVideoChunk({ type: picture.key ? "key" : "delta", timestamp: micro(picture.time), duration: micro(picture.duration), data: picture.data }));
  }

  /** Everything fed comes out; the next picture fed must be a key picture. */
  async flush() {
    if (this._decoder?.state !== "configured") return;
    try {
      await this._decoder.flush();
    } catch (error) {
      if (/** @type {DOMException} */ (error).name !== "AbortError") throw this.error ?? error; // a restart, not a failure
    }
  }

  /** Whether the picture of this time is here. @param {number} time */
  has(time) {
    return this.frames.some((frame) => frame.timestamp === micro(time));
  }

  /** Take the picture of this time; earlier ones are dropped. The caller closes it. @param {number} time @returns {VideoFrame|null} */
  take(time) {
    const wanted = micro(time);
    while (this.frames.length && this.frames[0].timestamp < wanted) this.frames.shift()?.close();
    return this.frames.length && this.frames[0].timestamp === wanted ? /** @type {VideoFrame} */ (this.frames.shift()) : null;
  }

  /** Wait for the next decoded picture, at most `ms`. @param {number} ms */
  arrival(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this._arrived = () => { clearTimeout(timer); resolve(undefined); };
    });
  }

  drop() {
    for (const frame of this.frames) frame.close();
    this.frames = [];
  }

  close() {
    this.drop();
    if (this._decoder && this._decoder.state !== "closed") this._decoder.close();
  }

  _make() {
    return new VideoDecoder({
      output: (frame) => {
        if (frame.timestamp < this._wanted) frame.close();
        else this.frames.push(frame);
        this._arrived?.();
      },
      error: (error) => {
        this.error = error;
        this._arrived?.();
      },
    });
  }
}

/** @param {VideoDecoderConfig} config */
const key = (config) => `${config.codec} ${config.codedWidth}x${config.codedHeight} ${config.description ? [.../** @type {Uint8Array} */ (config.description)].join(",") : ""}`;
