// The journal: newest first, found by words, older ones on demand.
import { api, ApiError } from "../api.js";
import { fault } from "../claim/fault.js";
import { el, moment, state } from "../dom.js";

const PAGE = 100;
const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const words = /** @type {HTMLInputElement} */ (by("words"));
let oldest = 0;
let turn = 0;

/** @param {boolean} more */
async function load(more) {
  const mine = ++turn;
  const query = new URLSearchParams({ limit: String(PAGE), text: words.value.trim() });
  if (more && oldest) query.set("before", String(oldest));
  fault("journal-fault", "");
  let entries;
  try {
    entries = await api("GET", `/api/v1/journal?${query}`);
  } catch (error) {
    fault("journal-fault", /** @type {ApiError} */ (error).text);
    return;
  }
  if (mine !== turn) return;
  const rows = entries.map(row);
  if (more) by("entries").append(...rows);
  else by("entries").replaceChildren(...rows);
  oldest = entries.length ? entries.at(-1).seq : oldest;
  by("older").hidden = entries.length < PAGE;
  const none = by("none");
  none.hidden = by("entries").childElementCount > 0;
  none.textContent = words.value.trim() ? "No entry has these words." : "Nothing happened yet.";
}

/** @param {any} entry */
function row(entry) {
  const date = new Date(entry.utc / 1e6);
  const details = Object.entries(entry.details || {});
  const what = el("td", { "data-l": "What" }, entry.what);
  if (details.length) {
    what.append(el("details.why", {}, el("summary", {}, "Details"), el("dl.kv", {}, ...details.flatMap(([key, value]) => [el("dt", {}, key), el("dd.mono", {}, typeof value === "string" ? value : JSON.stringify(value))]))));
  }
  return el("tr", {}, el("td.mono.nowrap", { title: `${date.toISOString()}, entry ${entry.seq}` }, moment(date)), el("td", { "data-l": "Who" }, entry.who), el("td.mono", { "data-l": "From" }, entry.where), what);
}

by("check").addEventListener("click", async () => {
  fault("journal-fault", "");
  try {
    const report = await api("GET", "/api/v1/journal/verdict");
    const whole = `Unbroken, ${report.entries} entries`;
    const broken = report.broken && `Broken at entry ${report.broken.seq}: ${report.broken.text} (${report.broken.part}, line ${report.broken.line})`;
    by("chain").replaceChildren(broken ? state("bad", "bad", broken) : state("ok", "ok", whole));
  } catch (error) {
    fault("journal-fault", /** @type {ApiError} */ (error).text);
  }
});

let timer = 0;
words.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => void load(false), 200);
});
by("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  void load(false);
});
by("older").addEventListener("click", () => void load(true));
void load(false);
