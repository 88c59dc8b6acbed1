// Sound at normal speed: decoded by WebCodecs, played at the time of its pictures. Off until somebody switches it on.

export class SoundOut {
  constructor() {
    this.on = false;
    /** @type {AudioContext|null} */
    this._context = null;
    /** @type {AudioDecoder|null} */
    this._decoder = null;
    /** @type {Set<AudioBufferSourceNode>} */
    this._playing = new Set();
    this._until = -Infinity;
    /** @type {() => number} */
    this._now = () => 0;
  }

  /** @param {boolean} on must be called from a press of a key or button: browsers ask for one */
  switch(on) {
    this.on = on;
    if (on) {
      this._context ??= new AudioContext();
      void this._context.resume();
    } else this.stop();
  }

  /**
   * @param {AudioDecoderConfig} config
   * @param {import("./recording.js").Sound[]} sounds
   * @param {() => number} now the player's media time, ms
   */
  schedule(config, sounds, now) {
    if (!this._context) return;
    this._now = now;
    if (!this._decoder || this._decoder.state === "closed") {
      this._decoder = new AudioDecoder({ output: (data) => this._play(data), error: () => this.stop() });
      this._decoder.configure(config);
    }
    for (const sound of sounds) {
      if (sound.time <= this._until || sound.time < now()) continue;
      this._until = sound.time;
      this._decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round(sound.time * 1000), data: sound.data }));
    }
  }

  /** @param {AudioData} data */
  _play(data) {
    const context = /** @type {AudioContext} */ (this._context);
    const wait = (data.timestamp / 1000 - this._now()) / 1000;
    const buffer = context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate);
    for (let channel = 0; channel < data.numberOfChannels; channel++) {
      data.copyTo(buffer.getChannelData(channel), { planeIndex: channel, format: "f32-planar" });
    }
    data.close();
    if (wait < -0.05) return;
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.start(context.currentTime + Math.max(0, wait));
    this._playing.add(source);
    source.onended = () => this._playing.delete(source);
  }

  /** Silence, and forget what was to come. */
  stop() {
    for (const source of this._playing) source.stop();
    this._playing.clear();
    this._until = -Infinity;
    if (this._decoder && this._decoder.state !== "closed") this._decoder.close();
    this._decoder = null;
  }

  close() {
    this.stop();
    void this._context?.close();
    this._context = null;
  }
}
