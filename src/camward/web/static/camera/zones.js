// Privacy zones drawn on the picture: the one time that something stands over it, and only while they are being changed.
import { api, ApiError } from "../api.js";
import { fault } from "../claim/fault.js";
import { el, icon, say } from "../dom.js";

/** @typedef {{left: number, top: number, width: number, height: number}} Zone percent of the picture */

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 1;
const MOST = 16;
const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const limit = (/** @type {number} */ n, /** @type {number} */ low, /** @type {number} */ high) => Math.min(high, Math.max(low, n));
const round = (/** @type {number} */ n) => Math.round(n * 10) / 10;

/** @param {HTMLCanvasElement} canvas */
export function zoneEditor(canvas) {
  const card = by("zones-card");
  const layer = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (by("zones")));
  const list = by("zone-list");
  /** @type {Zone[]} */
  let set = JSON.parse(card.dataset.zones || "[]");
  /** @type {Zone[]} */
  let zones = structuredClone(set);
  let editing = false;

  function draw() {
    layer.replaceChildren();
    zones.forEach((zone, index) => {
      const rect = document.createElementNS(SVG, "rect");
      const corner = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: zone.left, y: zone.top, width: zone.width, height: zone.height })) rect.setAttribute(name, String(value));
      rect.dataset.index = corner.dataset.index = String(index);
      corner.setAttribute("class", "corner");
      corner.setAttribute("width", "2");
      corner.setAttribute("height", "3");
      corner.setAttribute("x", String(zone.left + zone.width - 2));
      corner.setAttribute("y", String(zone.top + zone.height - 3));
      layer.append(rect, corner);
    });
    const rows = zones.map((zone, index) => {
      const text = `${round(zone.width)} × ${round(zone.height)} % at ${round(zone.left)}, ${round(zone.top)} %`;
      const name = el(editing ? "button.zone-name" : "span", editing ? { type: "button", "aria-label": `Zone ${index + 1}, ${text}`, onkeydown: (event) => byKey(/** @type {KeyboardEvent} */ (event), index) } : {}, text);
      return el("li", {}, name, editing && el("button.btn.btn--icon", { type: "button", "aria-label": `Remove zone ${index + 1}`, onclick: () => remove(index) }, icon("trash")));
    });
    list.replaceChildren(...(rows.length ? rows : [el("li.muted", {}, "None.")]));
  }

  /** @param {boolean} on */
  function edit(on) {
    editing = on;
    layer.toggleAttribute("hidden", !on);
    by("zone-hint").hidden = by("zone-acts").hidden = !on;
    by("zone-edit").hidden = on;
    fault("zone-fault", "");
    place();
    draw();
  }

  /** The layer lies exactly on the picture, wherever the page puts it. */
  function place() {
    const outer = /** @type {HTMLElement} */ (canvas.parentElement).getBoundingClientRect();
    const box = canvas.getBoundingClientRect();
    const shape = Math.min(box.width / canvas.width, box.height / canvas.height);
    const width = canvas.width * shape;
    const height = canvas.height * shape;
    layer.style.setProperty("left", `${box.left - outer.left + (box.width - width) / 2}px`);
    layer.style.setProperty("top", `${box.top - outer.top + (box.height - height) / 2}px`);
    layer.style.setProperty("width", `${width}px`);
    layer.style.setProperty("height", `${height}px`);
  }
  new ResizeObserver(place).observe(canvas);

  /** @param {number} index */
  function remove(index) {
    zones.splice(index, 1);
    draw();
  }

  /** @param {KeyboardEvent} event @param {number} index */
  function byKey(event, index) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Delete") remove(index);
    if (!step) return;
    event.preventDefault();
    const zone = zones[index];
    if (event.shiftKey) {
      zone.width = limit(zone.width + step[0], LEAST, 100 - zone.left);
      zone.height = limit(zone.height + step[1], LEAST, 100 - zone.top);
    } else {
      zone.left = limit(zone.left + step[0], 0, 100 - zone.width);
      zone.top = limit(zone.top + step[1], 0, 100 - zone.height);
    }
    draw();
    const again = /** @type {HTMLElement|undefined} */ (list.querySelectorAll(".zone-name")[index]);
    again?.focus();
  }

  /** @param {PointerEvent} event @returns {[number, number]} percent */
  function at(event) {
    const box = layer.getBoundingClientRect();
    return [limit(((event.clientX - box.left) / box.width) * 100, 0, 100), limit(((event.clientY - box.top) / box.height) * 100, 0, 100)];
  }

  layer.addEventListener("pointerdown", (event) => {
    const target = /** @type {SVGElement} */ (event.target);
    const [x, y] = at(event);
    let index = Number(target.dataset.index ?? -1);
    let how = target.classList.contains("corner") ? "size" : "move";
    if (index < 0) {
      if (zones.length >= MOST) {
        fault("zone-fault", `There can be ${MOST} zones at most`);
        return;
      }
      index = zones.push({ left: x, top: y, width: 0, height: 0 }) - 1;
      how = "draw";
    }
    const zone = zones[index];
    const before = { ...zone };
    layer.setPointerCapture(event.pointerId);
    const drag = (/** @type {PointerEvent} */ now) => {
      const [nx, ny] = at(now);
      if (how === "move") {
        zone.left = limit(before.left + nx - x, 0, 100 - zone.width);
        zone.top = limit(before.top + ny - y, 0, 100 - zone.height);
      } else if (how === "size") {
        zone.width = limit(nx - zone.left, LEAST, 100 - zone.left);
        zone.height = limit(ny - zone.top, LEAST, 100 - zone.top);
      } else Object.assign(zone, { left: Math.min(x, nx), top: Math.min(y, ny), width: Math.abs(nx - x), height: Math.abs(ny - y) });
      draw();
    };
    const end = () => {
      layer.removeEventListener("pointermove", drag);
      if (zone.width < LEAST || zone.height < LEAST) zones.splice(zones.indexOf(zone), 1);
      draw();
    };
    layer.addEventListener("pointermove", drag);
    layer.addEventListener("pointerup", end, { once: true });
    layer.addEventListener("pointercancel", end, { once: true });
  });

  by("zone-edit").addEventListener("click", () => edit(true));
  by("zone-add").addEventListener("click", () => {
    if (zones.length < MOST) zones.push({ left: 40, top: 40, width: 20, height: 20 });
    draw();
    /** @type {HTMLElement} */ (list.lastElementChild?.firstElementChild)?.focus();
  });
  by("zone-discard").addEventListener("click", () => {
    zones = structuredClone(set);
    edit(false);
  });
  by("zone-set").addEventListener("click", async () => {
    const wanted = zones.map((zone) => ({ left: round(zone.left), top: round(zone.top), width: Math.min(round(zone.width), round(100 - round(zone.left))), height: Math.min(round(zone.height), round(100 - round(zone.top))) }));
    try {
      await api("PATCH", "/api/v1/picture", { changes: { "media.privacy.zones": wanted } });
      set = structuredClone(wanted);
      zones = wanted;
      edit(false);
      say("Zones set");
    } catch (error) {
      fault("zone-fault", /** @type {ApiError} */ (error).text);
    }
  });
  draw();
  if (location.hash === "#zones") edit(true);
}
