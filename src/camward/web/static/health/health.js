// Health as it changes; the page is loaded again only when a part came or went.

import { api } from "../api.js";
import { showState } from "../cameras/state.js";

const AGAIN = 5000;
const rows = document.getElementById("lines");

async function refresh() {
  if (!rows || document.hidden) return;
  const status = await api("GET", "/api/v1/status");
  const known = new Map([...rows.querySelectorAll("tr")].map((row) => [row.getAttribute("data-part"), row]));
  if (status.lines.length !== known.size || status.lines.some((/** @type {{part: string}} */ line) => !known.has(line.part))) { location.reload(); return; }
  for (const line of status.lines) {
    const row = /** @type {HTMLElement} */ (known.get(line.part));
    showState(/** @type {HTMLElement} */ (row.querySelector("[data-state]")), { icon: line.icon, tone: line.tone, word: line.state });
    const text = /** @type {HTMLElement} */ (row.querySelector("[data-text]"));
    if (text.textContent !== line.text) text.textContent = line.text;
  }
  const sentence = /** @type {HTMLElement} */ (document.getElementById("sentence"));
  sentence.textContent = status.sentence;
  const head = /** @type {HTMLElement} */ (document.getElementById("headline"));
  head.className = `headline ${status.well ? "headline--ok" : "headline--ill"}`;
  head.querySelector("use")?.setAttribute("href", `${document.documentElement.dataset.icons}#${status.well ? "ok" : "caution"}`);
}

if (rows) setInterval(() => void refresh().catch(() => {}), AGAIN);
