// Fragmented MP4 in the page: pictures and sounds with their times, out of bytes that arrive bit by bit.
//
// The player decodes with WebCodecs, so it takes the samples out of the file itself (and will decrypt them here, when
// they are sealed). ISO/IEC 14496-12; only what fragments need is read, everything else is stepped over.

/**
 * @typedef {object} Limits
 * @property {number} header  most bytes of one moov or moof
 * @property {number} box     most bytes of any other box
 * @property {number} samples most samples in one fragment
 * @property {number} depth   most boxes within boxes
 */

/** @type {Readonly<Limits>} */
export const LIMITS = Object.freeze({ header: 4 << 20, box: 256 << 20, samples: 20_000, depth: 12 });

/**
 * @typedef {object} TrackInfo
 * @property {number} id
 * @property {"video"|"audio"|"other"} kind
 * @property {number} timescale   ticks per second
 * @property {string} codec       as WebCodecs wants it ("avc1.640028")
 * @property {Uint8Array} [description] avcC, hvcC or AudioSpecificConfig
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [sampleRate]
 * @property {number} [channels]
 * @property {{duration: number, size: number, flags: number}} [defaults] from trex
 */

/**
 * @typedef {object} Sample
 * @property {TrackInfo} track
 * @property {number} time      presentation, in the track's ticks
 * @property {number} duration  in ticks
 * @property {boolean} key      a decoder can start here
 * @property {Uint8Array} data
 */

/**
 * @typedef {{kind: "init", tracks: Map<number, TrackInfo>}
 *   | {kind: "fragment", samples: Sample[], reference: Reference|null}} Part
 */

/**
 * What the writer said of wall time: at `media` ticks of track `track` the clock showed `ms` (ProducerReferenceTime).
 * @typedef {{track: number, media: number, ms: number}} Reference
 */

/** The bytes are not a file we can play; the only error thrown here. */
export class Mp4Error extends Error {}

/** @param {DataView} view @param {number} at */
const name = (view, at) => String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

/** @param {DataView} view @param {number} at */
function long(view, at) {
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(value)) throw new Mp4Error("a 64-bit value is too large");
  return value;
}

/**
 * The boxes between two offsets.
 * @param {DataView} view
 * @param {number} start
 * @param {number} end
 * @returns {Generator<{type: string, start: number, body: number, end: number}>}
 */
export function* boxes(view, start, end) {
  while (start < end) {
    if (end - start < 8) throw new Mp4Error("a box header is cut off");
    let size = view.getUint32(start);
    let body = start + 8;
    if (size === 1) {
      if (end - start < 16) throw new Mp4Error("a box header is cut off");
      size = long(view, start + 8);
      body = start + 16;
    } else if (size === 0) size = end - start;
    if (size < body - start || start + size > end) throw new Mp4Error(`box ${name(view, start + 4)} has a wrong size`);
    yield { type: name(view, start + 4), start, body, end: start + size };
    start += size;
  }
}

/**
 * The first box on a path of types, or null.
 * @param {DataView} view @param {number} start @param {number} end @param {string[]} path
 */
function find(view, start, end, path) {
  if (path.length > LIMITS.depth) throw new Mp4Error("boxes are nested too deep");
  let found = null;
  for (const type of path) {
    found = null;
    for (const box of boxes(view, start, end)) if (box.type === type) { found = box; break; }
    if (!found) return null;
    start = found.body;
    end = found.end;
  }
  return found;
}

/** @param {number} byte */
const hex = (byte) => byte.toString(16).padStart(2, "0").toUpperCase();

/**
 * "avc1.PPCCLL" from avcC (ISO/IEC 14496-15, and RFC 6381).
 * @param {Uint8Array} avcc
 */
const avcCodec = (avcc) => `avc1.${hex(avcc[1])}${hex(avcc[2])}${hex(avcc[3])}`;

/**
 * "hvc1.1.6.L120.B0" from hvcC (ISO/IEC 14496-15 annex E).
 * @param {Uint8Array} hvcc @param {string} entry
 */
function hevcCodec(hvcc, entry) {
  const space = ["", "A", "B", "C"][hvcc[1] >> 6];
  const tier = hvcc[1] & 0x20 ? "H" : "L";
  let flags = 0;
  for (let i = 0; i < 32; i++) if (hvcc[2 + (i >> 3)] & (0x80 >> (i & 7))) flags += 2 ** i;
  const limits = [...hvcc.subarray(6, 12)];
  while (limits.length && limits[limits.length - 1] === 0) limits.pop();
  return [`${entry}.${space}${hvcc[1] & 0x1f}`, flags.toString(16).toUpperCase(), `${tier}${hvcc[12]}`, ...limits.map((b) => b.toString(16).toUpperCase())].join(".");
}

/**
 * AudioSpecificConfig and object type out of an esds box (ISO/IEC 14496-1).
 * @param {DataView} view @param {number} at @param {number} end
 */
function readEsds(view, at, end) {
  at += 4;
  while (at + 2 <= end) {
    const tag = view.getUint8(at++);
    let size = 0;
    for (let i = 0; i < 4 && at < end; i++) {
      const byte = view.getUint8(at++);
      size = (size << 7) | (byte & 0x7f);
      if (!(byte & 0x80)) break;
    }
    if (tag === 0x05) {
      if (at + size > end) throw new Mp4Error("esds is cut off");
      return new Uint8Array(view.buffer, view.byteOffset + at, size).slice();
    }
    if (tag === 0x03) at += 3; // ES_ID and flags; our writers use none of the optional fields
    else if (tag === 0x04) at += 13;
    else at += size;
  }
  throw new Mp4Error("esds has no AudioSpecificConfig");
}

/**
 * One entry of stsd.
 * @param {DataView} view @param {{type: string, body: number, end: number}} entry
 * @returns {Partial<TrackInfo>}
 */
function readEntry(view, entry) {
  const at = entry.body;
  const copy = (/** @type {{body: number, end: number}} */ box) =>
    new Uint8Array(view.buffer, view.byteOffset + box.body, box.end - box.body).slice();
  if (/^(avc[13]|hvc1|hev1)$/.test(entry.type)) {
    if (entry.end - at < 78) throw new Mp4Error("a video description is cut off");
    const width = view.getUint16(at + 24);
    const height = view.getUint16(at + 26);
    const avc = entry.type.startsWith("avc");
    const config = find(view, at + 78, entry.end, [avc ? "avcC" : "hvcC"]);
    if (!config || config.end - config.body < (avc ? 7 : 23)) throw new Mp4Error("a video track has no parameter sets");
    const description = copy(config);
    return { kind: "video", width, height, description, codec: avc ? avcCodec(description) : hevcCodec(description, entry.type) };
  }
  if (entry.type === "mp4a" || entry.type === "Opus") {
    if (entry.end - at < 28) throw new Mp4Error("an audio description is cut off");
    const sound = { kind: /** @type {const} */ ("audio"), channels: view.getUint16(at + 16), sampleRate: view.getUint32(at + 24) >>> 16 };
    if (entry.type === "Opus") return { ...sound, codec: "opus", sampleRate: 48_000 };
    const esds = find(view, at + 28, entry.end, ["esds"]);
    if (!esds) throw new Mp4Error("an AAC track has no configuration");
    const description = readEsds(view, esds.body, esds.end);
    return { ...sound, description, codec: `mp4a.40.${description[0] >> 3}` };
  }
  return { kind: "other", codec: entry.type };
}

/**
 * The tracks of a moov box.
 * @param {DataView} view @param {number} start @param {number} end
 * @returns {Map<number, TrackInfo>}
 */
function readMoov(view, start, end) {
  /** @type {Map<number, TrackInfo>} */
  const tracks = new Map();
  for (const trak of boxes(view, start, end)) {
    if (trak.type !== "trak") continue;
    const tkhd = find(view, trak.body, trak.end, ["tkhd"]);
    const mdhd = find(view, trak.body, trak.end, ["mdia", "mdhd"]);
    const stsd = find(view, trak.body, trak.end, ["mdia", "minf", "stbl", "stsd"]);
    if (!tkhd || !mdhd || !stsd) throw new Mp4Error("a track is incomplete");
    const id = view.getUint32(tkhd.body + (view.getUint8(tkhd.body) === 1 ? 20 : 12));
    const timescale = view.getUint32(mdhd.body + (view.getUint8(mdhd.body) === 1 ? 20 : 12));
    if (!timescale) throw new Mp4Error("a track has no clock");
    const [entry] = boxes(view, stsd.body + 8, stsd.end);
    if (!entry) throw new Mp4Error("a track has no description");
    tracks.set(id, /** @type {TrackInfo} */ ({ id, timescale, ...readEntry(view, entry) }));
  }
  const mvex = find(view, start, end, ["mvex"]);
  if (!mvex) throw new Mp4Error("the file is not fragmented");
  for (const trex of boxes(view, mvex.body, mvex.end)) {
    if (trex.type !== "trex") continue;
    const track = tracks.get(view.getUint32(trex.body + 4));
    if (track) track.defaults = { duration: view.getUint32(trex.body + 12), size: view.getUint32(trex.body + 16), flags: view.getUint32(trex.body + 20) };
  }
  return tracks;
}

/**
 * One traf: where its samples are. Offsets count from the start of the moof.
 * @param {DataView} view @param {{body: number, end: number}} traf @param {Map<number, TrackInfo>} tracks
 * @param {number} moof   where the moof starts in the stream
 * @param {number} next   where the first run without an offset starts
 * @returns {{samples: {track: TrackInfo, time: number, duration: number, key: boolean, at: number, size: number}[], next: number}}
 */
function readTraf(view, traf, tracks, moof, next) {
  const tfhd = find(view, traf.body, traf.end, ["tfhd"]);
  const tfdt = find(view, traf.body, traf.end, ["tfdt"]);
  if (!tfhd || !tfdt) throw new Mp4Error("a fragment has no time");
  const track = tracks.get(view.getUint32(tfhd.body + 4));
  if (!track) throw new Mp4Error("a fragment is of an unknown track");
  const flags = view.getUint32(tfhd.body) & 0xffffff;
  let at = tfhd.body + 8;
  let base = 0;
  if (flags & 0x1) { base = long(view, at) - moof; at += 8; next = base; }
  if (flags & 0x2) at += 4;
  const take = (/** @type {number} */ bit, /** @type {number} */ other) => { if (!(flags & bit)) return other; at += 4; return view.getUint32(at - 4); };
  const trex = track.defaults ?? { duration: 0, size: 0, flags: 0 };
  const defaults = { duration: take(0x8, trex.duration), size: take(0x10, trex.size), flags: take(0x20, trex.flags) };
  let time = view.getUint8(tfdt.body) === 1 ? long(view, tfdt.body + 4) : view.getUint32(tfdt.body + 4);
  const samples = [];
  for (const trun of boxes(view, traf.body, traf.end)) {
    if (trun.type !== "trun") continue;
    const bits = view.getUint32(trun.body) & 0xffffff;
    const signed = view.getUint8(trun.body) === 1;
    const count = view.getUint32(trun.body + 4);
    if (samples.length + count > LIMITS.samples) throw new Mp4Error("a fragment has too many samples");
    let p = trun.body + 8;
    if (bits & 0x1) { next = base + view.getInt32(p); p += 4; }
    let first = -1;
    if (bits & 0x4) { first = view.getUint32(p); p += 4; }
    const width = 4 * [0x100, 0x200, 0x400, 0x800].filter((bit) => bits & bit).length;
    if (p + count * width > trun.end) throw new Mp4Error("trun is cut off");
    for (let i = 0; i < count; i++) {
      const field = (/** @type {number} */ bit, /** @type {number} */ other) => { if (!(bits & bit)) return other; p += 4; return view.getUint32(p - 4); };
      const duration = field(0x100, defaults.duration);
      const size = field(0x200, defaults.size);
      const sampleFlags = field(0x400, i === 0 && first >= 0 ? first : defaults.flags);
      const raw = field(0x800, 0);
      const offset = signed && raw > 0x7fffffff ? raw - 2 ** 32 : raw;
      samples.push({ track, time: time + offset, duration, key: !(sampleFlags & 0x10000), at: next, size });
      time += duration;
      next += size;
    }
  }
  return { samples, next };
}

/**
 * prft: what wall time a media time is (ISO/IEC 14496-12, 8.16.5).
 * @param {DataView} view @param {{body: number, end: number}} box
 * @returns {Reference}
 */
function readPrft(view, box) {
  if (box.end - box.body < 20) throw new Mp4Error("prft is cut off");
  const seconds = view.getUint32(box.body + 8) - 2_208_988_800;
  const ms = seconds * 1000 + (view.getUint32(box.body + 12) / 2 ** 32) * 1000;
  const media = view.getUint8(box.body) === 1 ? long(view, box.body + 16) : view.getUint32(box.body + 16);
  return { track: view.getUint32(box.body + 4), media, ms };
}

/** Takes bytes as they come, gives whole parts. A second `moov` in the stream (the format changed) is a new init. */
export class Mp4Parser {
  /** @param {Partial<Limits>} [limits] */
  constructor(limits = {}) {
    this.limits = { ...LIMITS, ...limits };
    /** @type {Uint8Array} */
    this._held = new Uint8Array(0);
    /** Where `_held` starts in the stream. */
    this._position = 0;
    /** @type {Map<number, TrackInfo>} */
    this.tracks = new Map();
    /** @type {{samples: ReturnType<typeof readTraf>["samples"], start: number} | null} */
    this._moof = null;
    /** @type {Reference|null} */
    this._reference = null;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Part[]}
   * @throws {Mp4Error}
   */
  push(bytes) {
    if (this._held.length) {
      const joined = new Uint8Array(this._held.length + bytes.length);
      joined.set(this._held);
      joined.set(bytes, this._held.length);
      bytes = joined;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** @type {Part[]} */
    const parts = [];
    let at = 0;
    try {
      while (bytes.length - at >= 8) {
        let size = view.getUint32(at);
        if (size === 1) {
          if (bytes.length - at < 16) break;
          size = long(view, at + 8);
        }
        const type = name(view, at + 4);
        if (size < 8) throw new Mp4Error(`box ${type} has no size`);
        if (size > (type === "moov" || type === "moof" ? this.limits.header : this.limits.box)) throw new Mp4Error(`box ${type} is too large`);
        if (bytes.length - at < size) break;
        const [box] = boxes(view, at, at + size);
        const part = this._take(view, bytes, box);
        if (part) parts.push(part);
        at += size;
      }
    } catch (error) {
      if (error instanceof RangeError) throw new Mp4Error("a box is cut off");
      throw error;
    }
    this._held = bytes.subarray(at);
    this._position += at;
    return parts;
  }

  /**
   * @param {DataView} view @param {Uint8Array} bytes @param {{type: string, start: number, body: number, end: number}} box
   * @returns {Part|null}
   */
  _take(view, bytes, box) {
    if (box.type === "moov") {
      this.tracks = readMoov(view, box.body, box.end);
      return { kind: "init", tracks: this.tracks };
    }
    if (box.type === "prft") this._reference = readPrft(view, box);
    if (box.type === "moof") {
      const start = this._position + box.start;
      let next = box.end - box.start + 8;
      const samples = [];
      for (const traf of boxes(view, box.body, box.end)) {
        if (traf.type !== "traf") continue;
        const found = readTraf(view, traf, this.tracks, start, next);
        next = found.next;
        samples.push(...found.samples);
      }
      this._moof = { samples, start };
    }
    if (box.type !== "mdat" || !this._moof) return null;
    const { samples, start } = this._moof;
    const shift = start - this._position; // from the moof's start to an index into `bytes`; negative when moof came earlier
    const whole = samples.map(({ at, size, ...sample }) => {
      const from = at + shift;
      if (from < box.body || from + size > box.end) throw new Mp4Error("a sample is outside of its fragment");
      return { ...sample, data: bytes.slice(from, from + size) };
    });
    const reference = this._reference;
    this._moof = null;
    this._reference = null;
    return { kind: "fragment", samples: whole, reference };
  }
}
