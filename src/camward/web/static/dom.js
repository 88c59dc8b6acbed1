// Small pieces of page: elements, icons, times. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} name tag, with classes: "span.st.st--ok"
 * @param {Record<string, string|boolean|EventListener>} [attributes] "on…" are listeners
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => /** @type {Node|string} */ (child)));
  return node;
}

/** A symbol of the sprite. @param {string} name @param {string} [label] */
export function icon(name, label = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "i");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** A state: icon and word. @param {string} kind "", "ok", "unsure", "bad", "key", "alarm" @param {string} symbol @param {string} word */
export function state(kind, symbol, word) {
  return el(kind ? `span.st.st--${kind}` : "span.st", {}, icon(symbol), el("span", {}, word));
}

/** A note. @param {string} kind "ok", "caution", "bad", "key" @param {...(Node|string)} children */
export function note(kind, ...children) {
  const symbol = { ok: "ok", caution: "caution", bad: "bad", key: "key" }[kind] || "info";
  return el(`div.note.note--${kind}`, { role: kind === "bad" ? "alert" : "status" }, icon(symbol), el("div", {}, ...children));
}

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/** 14:32:09 in the browser's zone. @param {Date} date */
export const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

/** 2 Nov 14:32:09, with the year if it is another one. @param {Date} date */
export function moment(date) {
  const month = date.toLocaleString("en", { month: "short" });
  const year = date.getFullYear() === new Date().getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${month}${year} ${clock(date)}`;
}

/** +01:00 @param {Date} date */
export function zone(date) {
  const minutes = -date.getTimezoneOffset();
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** Say it to people who listen instead of looking. @param {string} text */
export function say(text) {
  const region = document.getElementById("say");
  if (region) region.textContent = text;
}
