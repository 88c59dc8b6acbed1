// Live sound: decoded as it comes, played a tenth of a second later, dropped when it falls behind the picture.

const LEAD = 0.08;
const MOST = 0.4;

export class LiveSound {
  /** @param {AudioContext} context @param {AudioDecoder} decoder */
  constructor(context, decoder) {
    this._context = context;
    this._decoder = decoder;
    this._next = 0;
    this._stamp = 0;
  }

  /**
   * @param {{codec: string, sampleRate: number, channels: number, description: string}} audio
   * @returns {Promise<LiveSound|null>} null where the browser can't
   */
  static async open(audio) {
    if (typeof AudioDecoder === "undefined") return null;
    /** @type {AudioDecoderConfig} */
    const config = { codec: audio.codec, sampleRate: audio.sampleRate, numberOfChannels: audio.channels };
    if (audio.description) config.description = Uint8Array.from(atob(audio.description), (letter) => letter.charCodeAt(0));
    if (!(await AudioDecoder.isConfigSupported(config)).supported) return null;
    const context = new AudioContext({ latencyHint: "interactive" });
    /** @type {LiveSound|null} */
    let sound = null;
    const decoder = new AudioDecoder({ output: (data) => (sound ? sound._play(data) : data.close()), error: () => sound?.close() });
    decoder.configure(config);
    sound = new LiveSound(context, decoder);
    await context.resume();
    return sound;
  }

  /** @param {Uint8Array} data one frame */
  take(data) {
    if (this._decoder.state !== "configured") return;
    this._stamp += 20_000; // only the order matters
    this._decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: this._stamp, data }));
  }

  /** @param {AudioData} data */
  _play(data) {
    const now = this._context.currentTime;
    if (this._next > now + MOST || this._context.state !== "running") {
      data.close();
      return;
    }
    const buffer = this._context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate);
    for (let channel = 0; channel < data.numberOfChannels; channel += 1) {
      data.copyTo(buffer.getChannelData(channel), { planeIndex: channel, format: "f32-planar" });
    }
    data.close();
    const source = this._context.createBufferSource();
    source.buffer = buffer;
    source.connect(this._context.destination);
    const at = this._next < now ? now + LEAD : this._next;
    source.start(at);
    this._next = at + buffer.duration;
  }

  reset() {
    this._next = 0;
  }

  close() {
    if (this._decoder.state !== "closed") this._decoder.close();
    if (this._context.state !== "closed") void this._context.close();
  }
}
