// The grid: how many pictures, which ones, one of them alone; one Tab stop, arrows move.

import { forPage } from "../app.js";
import { Tile } from "./tile.js";

const SIZES = [1, 4, 9, 16];

export class Grid {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.list = /** @type {HTMLElement} */ (root.querySelector("#tiles"));
    /** @type {Tile[]} */
    this.tiles = [...this.list.querySelectorAll("li")].map((item) => new Tile(/** @type {HTMLLIElement} */ (item)));
    const chosen = Number(localStorage.getItem("grid"));
    this.size = SIZES.includes(chosen) ? chosen : (SIZES.find((size) => size >= this.tiles.length) ?? 16);
    this.page = 0;
    this.at = 0;
    /** The one that is shown alone. @type {Tile|null} */
    this.alone = null;
    /** Tiles on the screen. @type {Set<Element>} */
    this._seen = new Set();
    this._watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) this._seen.add(entry.target);
        else this._seen.delete(entry.target);
      }
      this._play();
    }, { rootMargin: "80px" });
    for (const tile of this.tiles) this._watch.observe(tile.item);
    this._listen();
    this.paint();
  }

  /** @returns {Tile[]} */
  shown() {
    if (this.alone) return [this.alone];
    return this.tiles.slice(this.page * this.size, (this.page + 1) * this.size);
  }

  paint() {
    const shown = this.shown();
    for (const tile of this.tiles) tile.item.hidden = !shown.includes(tile);
    const size = this.alone ? 1 : this.size;
    this.list.dataset.grid = String(size);
    for (const button of this.root.querySelectorAll("[data-grid]")) if (button instanceof HTMLButtonElement) button.setAttribute("aria-pressed", String(Number(button.dataset.grid) === size));
    const pages = this.alone ? 1 : Math.ceil(this.tiles.length / this.size);
    const turner = /** @type {HTMLElement} */ (this.root.querySelector("#pages"));
    turner.hidden = pages < 2;
    /** @type {HTMLElement} */ (this.root.querySelector("#page")).textContent = `${this.page + 1} of ${pages}`;
    this.at = Math.min(this.at, shown.length - 1);
    shown.forEach((tile, index) => { tile.link.tabIndex = index === this.at ? 0 : -1; });
    this._play();
  }

  /** Grids take the small streams; one picture alone is the main one. */
  _play() {
    const shown = this.shown();
    const stream = shown.length === 1 && (this.alone || this.size === 1) ? "stream1" : "stream2";
    for (const tile of this.tiles) {
      if (shown.includes(tile) && (this._seen.has(tile.item) || tile === this.alone)) tile.play(stream);
      else tile.stop();
    }
  }

  /** @param {Tile|undefined} tile */
  open(tile) {
    if (!tile) return;
    this.alone = this.alone === tile ? null : tile;
    this.at = this.alone ? 0 : Math.max(0, this.shown().indexOf(tile));
    this.paint();
    tile.link.focus();
  }

  /** @param {number} size */
  resize(size) {
    const first = this.alone ?? this.shown()[this.at] ?? this.tiles[0];
    this.alone = null;
    this.size = size;
    localStorage.setItem("grid", String(size));
    this.page = Math.floor(Math.max(0, this.tiles.indexOf(first)) / size);
    this.at = Math.max(0, this.shown().indexOf(first));
    this.paint();
  }

  /** @param {number} by */
  turn(by) {
    const pages = Math.ceil(this.tiles.length / this.size);
    this.page = Math.min(pages - 1, Math.max(0, this.page + by));
    this.at = 0;
    this.paint();
  }

  /** @param {number} by */
  _move(by) {
    const shown = this.shown();
    const at = this.at + by;
    if (this.alone) {
      const next = this.tiles[this.tiles.indexOf(this.alone) + Math.sign(by)];
      if (next) { this.alone = next; this.paint(); next.link.focus(); }
      return;
    }
    if (at < 0 || at >= shown.length) {
      if (Math.abs(by) === 1) { this.turn(by); this.at = by < 0 ? this.shown().length - 1 : 0; this.paint(); this.shown()[this.at].link.focus(); }
      return;
    }
    this.at = at;
    this.paint();
    shown[at].link.focus();
  }

  get _columns() {
    return getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
  }

  _listen() {
    this.root.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      const size = /** @type {HTMLElement|null} */ (target?.closest("button[data-grid]"));
      const page = /** @type {HTMLElement|null} */ (target?.closest("[data-page]"));
      const link = target?.closest(".tile");
      if (size) this.resize(Number(size.dataset.grid));
      else if (page) this.turn(Number(page.dataset.page));
      else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        this.open(this.tiles.find((tile) => tile.link === link));
      }
    });
    this.list.addEventListener("focusin", (event) => {
      const at = this.shown().findIndex((tile) => tile.link === event.target);
      if (at >= 0 && at !== this.at) { this.at = at; this.paint(); }
    });
    document.addEventListener("keydown", (event) => this._key(event));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!forPage(event)) return;
    const inGrid = event.target instanceof Node && this.list.contains(event.target);
    const here = this.shown()[this.at];
    /** @type {Record<string, () => void>} */
    const known = {
      ...(inGrid ? { ArrowRight: () => this._move(1), ArrowLeft: () => this._move(-1), ArrowDown: () => this._move(this._columns), ArrowUp: () => this._move(-this._columns) } : {}),
      ...(this.alone ? { Escape: () => this.open(this.alone ?? undefined) } : {}),
      t: () => { const link = (this.alone ?? here)?.link; if (link) location.assign(link.href); },
      f: () => void (document.fullscreenElement ? document.exitFullscreen() : this.list.requestFullscreen()),
    };
    if (/^[1-9]$/.test(event.key)) {
      const tile = this.tiles[Number(event.key) - 1];
      if (tile && tile !== this.alone) { this.alone = null; this.open(tile); }
      event.preventDefault();
      return;
    }
    const does = known[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }
}
