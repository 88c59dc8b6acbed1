// The status page follows the camera every two seconds; focus and reading place stay where they are.
import { api } from "../api.js";
import { state } from "../dom.js";

/** @param {string} name @param {string} part */
const cell = (name, part) => document.querySelector(`tr[data-stream="${CSS.escape(name)}"] [data-part="${part}"]`);

/** @param {Element|null} node @param {string} text */
function put(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** @param {any} facts */
function show(facts) {
  for (const stream of Object.values(facts.streams)) {
    const s = /** @type {any} */ (stream);
    const place = cell(s.name, "state");
    const word = s.signal ? "Signal" : `No signal ${s.reason}`;
    if (place && place.textContent?.trim().replace(/\s+/g, " ") !== word.trim()) {
      place.replaceChildren(s.signal ? state("ok", "ok", "Signal") : state("", "nosig", "No signal"), s.signal ? "" : ` ${s.reason}`);
    }
    put(cell(s.name, "codec"), (s.codec.toUpperCase() || "–") + (s.audio ? ` + ${s.audio.toUpperCase()}` : ""));
    put(cell(s.name, "size"), s.width ? `${s.width} × ${s.height}` : "–");
    put(cell(s.name, "frame_rate"), String(s.frame_rate));
    put(cell(s.name, "kbits"), String(Math.round(s.kbits)));
    put(cell(s.name, "readers"), String(s.readers));
    put(cell(s.name, "why"), s.passthrough ? "passed through untouched" : s.why || "–");
  }
  put(document.querySelector('[data-fact="worker"]'), `${facts.worker.running ? "running" : "down"}, ${facts.worker.restarts} restarts${facts.worker.confined ? "" : ", not confined by this kernel"}`);
}

async function follow() {
  if (!document.hidden) {
    try {
      show(await api("GET", "/api/v1/status"));
    } catch {
      // the next round tries again; the page says what it knew last
    }
  }
  setTimeout(follow, 2000);
}
for (const host of document.querySelectorAll("[data-host]")) host.textContent = location.hostname;
setTimeout(follow, 2000);
