// What every page has: clock, light and dark, keys, dialogs, times in the browser's zone, logging out.
import { api } from "./api.js";
import { clock, moment, say, zone } from "./dom.js";

const byId = (/** @type {string} */ id) => document.getElementById(id);

/* ---- light and dark ---- */
function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  say(dark ? "Light" : "Dark");
}
byId("theme")?.addEventListener("click", toggleTheme);
for (const button of document.querySelectorAll("[data-theme-toggle]")) button.addEventListener("click", toggleTheme);

/* ---- times ---- */
function tick() {
  const now = new Date();
  const place = byId("clock");
  if (place) place.textContent = `${clock(now)} ${zone(now)}`;
  setTimeout(tick, 1000 - now.getMilliseconds());
}
tick();

/** Times from the server, in this browser's zone. @param {ParentNode} root */
export function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-utc]")) {
    const date = new Date(Number(/** @type {HTMLElement} */ (time).dataset.utc));
    time.textContent = moment(date);
    time.setAttribute("title", `${date.toISOString()} (here ${zone(date)})`);
  }
}
showTimes(document);

/* ---- dialogs ---- */
/** @param {string} id */
export function openDialog(id) {
  const dialog = byId(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) {
    for (const other of document.querySelectorAll("dialog[open]")) /** @type {HTMLDialogElement} */ (other).close();
    dialog.showModal();
  }
}
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target === dialog || target.closest("[data-close]")) /** @type {HTMLDialogElement} */ (dialog).close();
  });
}
for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => openDialog(/** @type {HTMLElement} */ (button).dataset.open || ""));
}
byId("me")?.addEventListener("click", () => openDialog("account"));
byId("more")?.addEventListener("click", () => openDialog("more-sheet"));
byId("logout")?.addEventListener("click", async () => {
  await api("DELETE", "/api/v1/session");
  location.assign("/login");
});

const pageKeys = byId("page-keys");
if (pageKeys instanceof HTMLTemplateElement) byId("keys-page")?.append(pageKeys.content);

/* ---- keys ---- */
const off = /** @type {HTMLInputElement|null} */ (byId("keys-off"));
if (off) {
  off.checked = localStorage.getItem("keys") === "off";
  off.addEventListener("change", () => localStorage.setItem("keys", off.checked ? "off" : "on"));
}

/** Whether a key press is for the page, not for a field or a dialog. @param {KeyboardEvent} event */
export function forPage(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return false;
  return localStorage.getItem("keys") !== "off" && !document.querySelector("dialog[open]");
}

let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && (!document.querySelector("dialog[open]")) && !/^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {HTMLElement} */ (event.target).tagName)) {
    openDialog("keys");
    return;
  }
  if (!forPage(event)) return;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
    if (link instanceof HTMLAnchorElement) {
      event.preventDefault();
      event.stopImmediatePropagation(); // the second key of two is not a key of the page
      link.click();
    }
    return;
  }
  if (event.key === "g") going = Date.now();
  else if (event.key === "D" && event.shiftKey) toggleTheme();
  else if (event.key === "/") {
    const field = document.querySelector("[data-find]");
    if (field instanceof HTMLElement) {
      event.preventDefault();
      field.focus();
    }
  }
});
