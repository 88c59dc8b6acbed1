// Settings in a form: what is chosen waits, says what it would do, and goes to the device only with Set, all or nothing.
import { api, ApiError } from "../api.js";
import { icon, say } from "../dom.js";

/** @typedef {{box: HTMLElement, path: string, before: string, word: string}} Control */

/** What the control holds, as text. @param {HTMLElement} box */
function held(box) {
  const radio = /** @type {HTMLInputElement|null} */ (box.querySelector("input[type=radio]:checked"));
  if (radio) return radio.value;
  if (box.querySelector("input[type=radio]")) return "";
  return /** @type {HTMLInputElement} */ (box.querySelector("input, select, textarea")).value;
}

/** What it holds, in words. @param {HTMLElement} box */
function words(box) {
  const radio = box.querySelector("input[type=radio]:checked");
  if (radio) return radio.parentElement?.textContent?.trim() || "";
  const select = box.querySelector("select");
  if (select) return select.selectedOptions[0]?.textContent || "";
  const text = held(box);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text || "not set";
}

/** The risk of what is chosen, if the device told one. @param {HTMLElement} box */
function risk(box) {
  const chosen = /** @type {HTMLElement|null} */ (box.querySelector("input[type=radio]:checked, select option:checked"));
  return chosen?.dataset.risk || "";
}

/** The value as the API takes it. @param {HTMLElement} box @throws {ApiError} */
function value(box) {
  const text = held(box);
  if (text.trim() === "" && box.hasAttribute("data-optional")) return null;
  switch (box.dataset.control) {
    case "switch":
      return text === "true";
    case "number":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw new ApiError({ what: "Write a number" }, 0);
      return Number(text);
    case "choice":
      return box.dataset.numbers === undefined ? text : Number(text);
    case "lines":
      return text.split("\n").map((line) => line.trim()).filter(Boolean);
    case "json":
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new ApiError({ what: "This is not JSON", why: /** @type {Error} */ (error).message }, 0);
      }
    default:
      return text;
  }
}

/** @param {HTMLElement} place @param {string} text */
function fault(place, text) {
  place.replaceChildren();
  if (text) place.append(icon("bad"), ` ${text}`);
}

/**
 * @param {HTMLFormElement} form with `data-settings`, the address of the API
 * @param {{onset?: () => void}} [options] told after a change was made; else the page is loaded again
 */
export function settingsForm(form, options = {}) {
  const set = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
  if (!set) return;
  const discard = /** @type {HTMLElement|null} */ (form.querySelector("button[type=reset]"));
  const count = /** @type {HTMLElement|null} */ (form.querySelector("[data-count]"));
  const whole = /** @type {HTMLElement} */ (form.querySelector("[data-fault]"));
  const rest = count?.textContent || "";
  /** @type {Control[]} */
  const controls = [...form.querySelectorAll(".control")].map((node) => {
    const box = /** @type {HTMLElement} */ (node);
    return { box, path: box.dataset.path || "", before: held(box), word: words(box) };
  });
  const changed = () => controls.filter(({ box, before }) => held(box) !== before);

  function look() {
    const waiting = changed();
    for (const { box, word } of controls) {
      const output = box.querySelector("output");
      if (output) output.textContent = `${held(box)} %`;
      const note = /** @type {HTMLElement} */ (box.querySelector(".waiting"));
      const mine = waiting.some((other) => other.box === box);
      note.hidden = !mine;
      const why = risk(box);
      note.lastElementChild?.replaceChildren(...(mine ? [bold(`Not set yet: ${word} → ${words(box)}.`), why ? ` ${why}` : ""] : []));
    }
    set.disabled = !waiting.length;
    if (discard) discard.hidden = !waiting.length;
    if (count) count.textContent = waiting.length ? `${waiting.length === 1 ? "One change" : `${waiting.length} changes`} waiting. ${rest}` : rest;
  }

  function clear() {
    fault(whole, "");
    for (const { box } of controls) fault(/** @type {HTMLElement} */ (box.querySelector(".fault")), "");
  }

  form.addEventListener("input", () => look());
  form.addEventListener("reset", () => {
    setTimeout(() => {
      clear();
      look();
    });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const waiting = changed();
    if (!waiting.length || set.disabled) return;
    clear();
    /** @type {Record<string, unknown>} */
    const changes = {};
    for (const { box, path } of waiting) {
      try {
        changes[path] = value(box);
      } catch (error) {
        fault(/** @type {HTMLElement} */ (box.querySelector(".fault")), /** @type {ApiError} */ (error).text);
        return;
      }
    }
    set.disabled = true;
    try {
      await api("PATCH", form.dataset.settings || "", { changes });
      say("Set");
      if (options.onset) {
        for (const control of controls) {
          control.before = held(control.box);
          control.word = words(control.box);
        }
        look();
        options.onset();
      } else location.reload();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const key = error.key || "";
      const at = waiting.find(({ path }) => key === path || key.startsWith(`${path}.`) || error.message.startsWith(path));
      fault(at ? /** @type {HTMLElement} */ (at.box.querySelector(".fault")) : whole, error.text);
      if (at) /** @type {HTMLElement} */ (at.box.querySelector("input, select, textarea")).focus();
      set.disabled = false;
    }
  });
  look();
}

/** @param {string} text */
function bold(text) {
  const b = document.createElement("b");
  b.textContent = text;
  return b;
}
