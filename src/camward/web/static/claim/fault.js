// What is wrong with a field: icon and sentence below it, and the field says so to those who listen.
import { icon } from "../dom.js";

/** @param {string} id of the place for it @param {string} text empty: nothing is wrong */
export function fault(id, text) {
  const place = document.getElementById(id);
  if (!place) return;
  place.replaceChildren();
  if (text) place.append(icon("bad"), ` ${text}`);
  const field = document.querySelector(`[aria-describedby~="${CSS.escape(id)}"]`);
  if (text) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}
