// The list of events: rows by keyboard, acknowledging, and a word when newer ones came.

import { api } from "../api.js";
import { forPage } from "../app.js";

const AGAIN = 10_000;
const root = document.getElementById("events");
/** @type {HTMLElement[]} */
const rows = [...(root?.querySelectorAll("tr[data-event]") ?? [])].map((row) => /** @type {HTMLElement} */ (row));

/** @param {number} at */
function focusRow(at) {
  const row = rows[Math.min(rows.length - 1, Math.max(0, at))];
  if (!row) return;
  for (const one of rows) one.tabIndex = one === row ? 0 : -1;
  row.focus();
}

/** @param {string} number */
async function acknowledge(number) {
  const row = rows.find((one) => one.dataset.event === number);
  const button = row?.querySelector("[data-acknowledge]");
  if (!row || !button) return;
  try {
    const event = await api("POST", `/api/v1/events/${number}/acknowledge`, {});
    button.remove();
    row.querySelector(".st")?.classList.remove("st--alarm");
    const what = row.querySelector("[data-what]");
    if (what) what.textContent = `seen by ${event.by}`;
    row.focus();
  } catch (error) {
    const said = document.getElementById("said");
    if (said) said.textContent = /** @type {import("../api.js").ApiError} */ (error).text;
  }
}

root?.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? /** @type {HTMLElement|null} */ (event.target.closest("[data-acknowledge]")) : null;
  if (button?.dataset.acknowledge) void acknowledge(button.dataset.acknowledge);
});

document.addEventListener("keydown", (event) => {
  if (!root || !forPage(event) || !rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  if (event.key === "ArrowDown") focusRow(at + 1);
  else if (event.key === "ArrowUp") focusRow(at - 1);
  else if (event.key === "Enter" && document.activeElement === rows[at] && rows[at].dataset.href) location.assign(rows[at].dataset.href ?? "");
  else if (event.key.toLowerCase() === "a" && at >= 0) void acknowledge(rows[at].dataset.event ?? "");
  else return;
  event.preventDefault();
});

for (const select of root?.querySelectorAll("select") ?? []) select.addEventListener("change", () => select.form?.requestSubmit());

if (root) {
  setInterval(() => {
    if (document.hidden) return;
    void api("GET", "/api/v1/events?limit=1").then(({ events }) => {
      const newer = document.getElementById("newer");
      if (newer && events[0] && events[0].id > Number(root.dataset.newest)) newer.hidden = false;
    }, () => {});
  }, AGAIN);
}
