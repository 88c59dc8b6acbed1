// A password judged by the device while it is being typed: a meter, and the reason in words.
import { api } from "../api.js";
import { icon } from "../dom.js";

const PAUSE = 180;

/**
 * @param {{password: HTMLInputElement, name: () => string, meter: HTMLProgressElement, line: HTMLElement}} parts
 * @returns {{ok: () => Promise<boolean>}} `ok` judges what is there now
 */
export function judge({ password, name, meter, line }) {
  let timer = 0;
  let turn = 0;

  async function ask() {
    const mine = ++turn;
    if (!password.value) {
      meter.value = 0;
      line.replaceChildren();
      return false;
    }
    let verdict;
    try {
      verdict = await api("POST", "/api/v1/password-verdict", { name: name(), password: password.value });
    } catch {
      return true; // judged again, and for good, when it is sent
    }
    if (mine !== turn) return verdict.ok;
    meter.value = verdict.strength;
    meter.className = verdict.ok ? "meter ok" : "meter unsure";
    line.className = verdict.ok ? "verdict-line st--ok" : "verdict-line st--bad";
    line.replaceChildren(icon(verdict.ok ? "ok" : "bad"), ` ${verdict.ok ? "Good." : verdict.sentence}`);
    password.toggleAttribute("aria-invalid", !verdict.ok);
    return verdict.ok;
  }

  password.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE);
  });
  return { ok: ask };
}
