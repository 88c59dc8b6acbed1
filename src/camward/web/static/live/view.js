// A live picture on a canvas: a WebSocket in, the newest picture out, states told; comes back by itself.
import { UnitPlayer } from "./units.js";
import { Mp4Player } from "./fragments.js";

/**
 * @typedef {object} LiveState
 * @property {"connecting"|"live"|"no_signal"|"lost"|"refused"|"unsupported"|"paused"} kind
 * @property {Date|null} since   no_signal, lost: since when
 * @property {string} reason     no_signal: the camera's; unsupported: which codec
 * @property {number} retry      lost: seconds to the next try
 */

/**
 * @typedef {object} LiveOptions
 * @property {string} url                                    path of the socket, "/live?stream=stream1"
 * @property {(state: LiveState) => void} [onstate]
 * @property {(picture: {utc: number, delay: number, width: number, height: number}) => void} [onpicture]  drawn; times in ms
 */

const FIRST_WAIT = 0.5;
const LONGEST_WAIT = 10;
/** The device speaks every five seconds; after this many milliseconds without a word the connection is dead. */
const SILENCE = 12_000;
/** Without a picture for this long the last one is old, and not shown as live. */
const OLD = 3_000;
/** A page that nobody sees lets go of its streams after this long. */
const HIDDEN = 15_000;

/**
 * Events: "picture" as soon as a picture is decoded (`detail.utc`: capture time in milliseconds, for measurements);
 * "state" when the state changes (`detail`: LiveState).
 */
export class LiveView extends EventTarget {
  /** @param {HTMLCanvasElement} canvas @param {LiveOptions} options */
  constructor(canvas, options) {
    super();
    this._canvas = canvas;
    this._context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false, desynchronized: true }));
    this._url = options.url;
    this._onstate = options.onstate;
    this._onpicture = options.onpicture;
    /** @type {LiveState} */
    this.state = { kind: "paused", since: null, reason: "", retry: 0 };
    /** @type {WebSocket|null} */
    this._socket = null;
    /** @type {UnitPlayer|Mp4Player|null} */
    this._player = null;
    this._fallback = typeof VideoDecoder === "undefined";
    this._wanted = false;
    this._sound = false;
    this._failures = 0;
    this._timers = new Map();
    /** Differences between our clock and the device's, of the newest words. @type {number[]} */
    this._offsets = [];
    /** @type {{image: CanvasImageSource & {close?: () => void}, utc: number, width: number, height: number}|null} */
    this._next = null;
    this._drawing = 0;
    this._lostSince = /** @type {Date|null} */ (null);
    this._onvisible = () => this._visibility();
  }

  /** Begin, and go on for ever. */
  start() {
    if (this._wanted) return;
    this._wanted = true;
    document.addEventListener("visibilitychange", this._onvisible);
    this._connect();
  }

  /** End. The canvas goes black. */
  stop() {
    this._wanted = false;
    document.removeEventListener("visibilitychange", this._onvisible);
    this._disconnect();
    this._clear();
    this._tell("paused");
  }

  /** Show another stream. @param {string} url */
  show(url) {
    if (url === this._url) return;
    this._url = url;
    if (!this._wanted) return;
    this._failures = 0;
    this._disconnect();
    this._connect();
  }

  get url() {
    return this._url;
  }

  /** Sound on or off; on must come from a click. @param {boolean} on */
  async setSound(on) {
    this._sound = on;
    this._say();
    await this._player?.setSound(on);
  }

  /** Whether the stream has sound, as far as we know. */
  get hasSound() {
    return Boolean(this._player?.hasSound);
  }

  /** Milliseconds to add to the device's clock to get ours. */
  get offset() {
    return this._offsets.length ? Math.min(...this._offsets) : 0;
  }

  _connect() {
    this._lost("connecting", 0);
    const url = new URL(this._url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this._fallback) url.searchParams.set("form", "mp4");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this._offsets = [];
      this._say();
      this._heard();
    };
    socket.onmessage = (event) => {
      if (socket !== this._socket) return;
      this._heard();
      if (typeof event.data === "string") this._word(JSON.parse(event.data));
      else this._player?.take(event.data);
    };
    socket.onclose = (event) => {
      if (socket !== this._socket) return;
      this._disconnect();
      this._again(opened, event.code);
    };
  }

  _disconnect() {
    for (const name of [...this._timers.keys()]) this._after(name, 0, null);
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this._player?.close();
    this._player = null;
  }

  /** @param {boolean} opened @param {number} code */
  async _again(opened, code) {
    this._failures = opened && code !== 1008 ? 1 : this._failures + 1;
    if (code === 1008 || (!opened && this._failures >= 2)) {
      if (await refused()) {
        this._wanted = false;
        this._clear();
        this._tell("refused");
        return;
      }
    }
    if (!this._wanted) return;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this._failures - 1)) * (0.75 + Math.random() / 2);
    this._lost("lost", Math.ceil(wait));
    this._after("retry", wait * 1000, () => this._connect());
  }

  /** @param {"connecting"|"lost"} kind @param {number} retry */
  _lost(kind, retry) {
    this._lostSince ??= kind === "lost" ? new Date() : null;
    if (kind === "connecting" && this._lostSince) return; // "lost since" goes on while we try
    this._tell(kind, { since: this._lostSince, retry });
  }

  /** @param {any} word */
  _word(word) {
    if (word.type === "time") {
      this._offsets.push(Date.now() - word.now);
      if (this._offsets.length > 12) this._offsets.shift();
    } else if (word.type === "no_signal") {
      this._after("old", 0, null);
      this._player?.reset();
      this._clear();
      this._tell("no_signal", { since: word.since ? new Date(word.since) : null, reason: word.reason });
    } else if (word.type === "format") this._format(word);
  }

  /** @param {any} format */
  async _format(format) {
    if (!this._player) {
      const found = (/** @type {{utc: number}} */ picture) => this.dispatchEvent(new CustomEvent("picture", { detail: picture }));
      const draw = (/** @type {any} */ image, /** @type {number} */ utc, /** @type {number} */ width, /** @type {number} */ height) => this._show(image, utc, width, height);
      this._player = this._fallback ? new Mp4Player(found, draw) : new UnitPlayer(found, draw);
      if (this._sound) void this._player.setSound(true);
    }
    const player = this._player;
    const fits = await player.configure(format);
    if (fits || player !== this._player) return;
    if (!this._fallback && typeof MediaSource !== "undefined") {
      this._fallback = true; // a codec that only the media element knows (H.265 on some systems)
      this._disconnect();
      this._connect();
      return;
    }
    const codec = format.codec || format.mime;
    this._wanted = false;
    this._disconnect();
    this._clear();
    this._tell("unsupported", { reason: codec });
  }

  /** @param {any} image @param {number} utc @param {number} width @param {number} height */
  _show(image, utc, width, height) {
    this._next?.image.close?.();
    this._next = { image, utc, width, height };
    this._drawing ||= requestAnimationFrame(() => this._draw());
  }

  _draw() {
    this._drawing = 0;
    const next = this._next;
    this._next = null;
    if (!next) return;
    const { image, utc, width, height } = next;
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
    }
    this._context.drawImage(image, 0, 0, width, height);
    image.close?.();
    this._lostSince = null;
    this._failures = 0;
    this._after("old", OLD, () => this._stale());
    if (this.state.kind !== "live") this._tell("live");
    this._onpicture?.({ utc, delay: Math.max(0, Date.now() - this.offset - utc), width, height });
  }

  /** Pictures stopped without a word: what is on the canvas is not live any more. */
  _stale() {
    this._clear();
    this._lostSince = new Date(Date.now() - OLD);
    this._tell("lost", { since: this._lostSince });
  }

  _clear() {
    this._next?.image.close?.();
    this._next = null;
    this._context.fillRect(0, 0, this._canvas.width, this._canvas.height);
  }

  _say() {
    if (this._socket?.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify({ sound: this._sound }));
  }

  _heard() {
    this._after("silence", SILENCE, () => {
      const socket = this._socket;
      this._disconnect();
      if (socket) void this._again(true, 1006);
    });
  }

  _visibility() {
    if (document.hidden) {
      this._after("hidden", HIDDEN, () => {
        this._disconnect();
        this._clear();
        this._tell("paused");
      });
    } else {
      this._after("hidden", 0, null);
      if (this._wanted && !this._socket && !this._timers.has("retry")) this._connect();
    }
  }

  /** One timer per name; null stops it. @param {string} name @param {number} ms @param {(() => void)|null} then */
  _after(name, ms, then) {
    clearTimeout(this._timers.get(name));
    this._timers.delete(name);
    if (!then) return;
    const run = () => {
      this._timers.delete(name);
      then();
    };
    this._timers.set(name, setTimeout(run, ms));
  }

  /** @param {LiveState["kind"]} kind @param {Partial<LiveState>} [more] */
  _tell(kind, more = {}) {
    this.state = { kind, since: null, reason: "", retry: 0, ...more };
    this._onstate?.(this.state);
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }
}

/** Whether the device answers and does not let us: logged out, or the right taken away. */
async function refused() {
  try {
    const response = await fetch("/api/v1/session", { cache: "no-store", headers: { Accept: "application/json" } });
    return response.status === 401 || response.status === 403;
  } catch {
    return false;
  }
}
