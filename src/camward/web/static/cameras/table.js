// The table of cameras: states as they change, and letting go of kept ranges.

import { api } from "../api.js";
import { showState } from "./state.js";
import { showSummary } from "./summary.js";

const AGAIN = 3000;
const table = document.getElementById("cameras");

async function refresh() {
  if (!table || document.hidden) return;
  const { cameras } = await api("GET", "/api/v1/cameras");
  showSummary(cameras);
  for (const camera of cameras) {
    const row = table.querySelector(`tr[data-camera="${CSS.escape(camera.id)}"]`);
    if (!row) continue;
    const put = (/** @type {string} */ name, /** @type {string} */ text) => { const part = row.querySelector(`[data-${name}]`); if (part && part.textContent !== text) part.textContent = text; };
    showState(/** @type {HTMLElement} */ (row.querySelector("[data-state]")), camera.state);
    put("reason", camera.state.reason);
    put("stream", camera.stream_words);
    put("delay", camera.delay_words);
  }
}

if (table) setInterval(() => void refresh().catch(() => {}), AGAIN);

document.getElementById("pins")?.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement|null} */ (event.target instanceof Element ? event.target.closest("[data-unpin]") : null);
  if (!button) return;
  void api("DELETE", `/api/v1/pins/${button.dataset.unpin}`).then(() => {
    button.closest("tr")?.remove();
    say("Let go: it is deleted when its days are over.");
  }, (error) => say(error.text));
});

/** @param {string} text */
function say(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}
