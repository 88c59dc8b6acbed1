// The setup page: forms, finding a setting, tabs that follow scrolling, a warning before changes are lost.
import { settingsForm } from "./form.js";

for (const form of document.querySelectorAll("form[data-settings]")) settingsForm(/** @type {HTMLFormElement} */ (form));

/* ---- find ---- */
const find = /** @type {HTMLInputElement} */ (document.getElementById("find"));
const found = /** @type {HTMLElement} */ (document.getElementById("found"));
const menus = /** @type {HTMLElement} */ (document.getElementById("menus"));
const nothing = /** @type {HTMLElement} */ (document.getElementById("nothing"));
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = !words.length;
  menus.hidden = words.length > 0;
  let hits = 0;
  for (const link of found.querySelectorAll("a")) {
    const fits = words.every((word) => (link.dataset.words || "").includes(word)) && hits < 20;
    /** @type {HTMLElement} */ (link.parentElement).hidden = !fits;
    if (fits) hits += 1;
  }
  nothing.hidden = hits > 0;
});
find.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    find.value = "";
    find.dispatchEvent(new Event("input"));
    find.blur();
  } else if (event.key === "Enter") {
    const first = /** @type {HTMLElement|null} */ (found.querySelector("li:not([hidden]) a"));
    first?.click();
  }
});

/* ---- tabs and tree follow ---- */
const marks = [...document.querySelectorAll(".tabs a, .tree details[open] a[href*='#']")];
/** @param {string} slug */
function follow(slug) {
  for (const link of marks) {
    const mine = /** @type {HTMLAnchorElement} */ (link).hash === `#${slug}`;
    if (mine) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
const seen = new Map();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) seen.set(entry.target.id, entry.isIntersecting);
    const first = [...document.querySelectorAll("section.card[id]")].find((section) => seen.get(section.id));
    if (first) follow(first.id);
  },
  { rootMargin: "-64px 0px -50% 0px" },
);
for (const section of document.querySelectorAll("section.card[id]")) observer.observe(section);

/* ---- changes that would be lost ---- */
addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-settings] button[type=submit]:not([disabled])")) event.preventDefault();
});
