// The states of a live picture in words and icons: one way of saying them, in the grid and on a camera's page.
import { clock } from "../dom.js";

/**
 * @param {import("./view.js").LiveState} state
 * @returns {{kind: string, icon: string, word: string, title: string, text: string}} `kind`: of the state's colour;
 *   `word` for a caption, `title` and `text` for the place of the picture
 */
export function wordsOf(state) {
  const since = state.since ? ` since ${clock(state.since)}` : "";
  switch (state.kind) {
    case "live":
      return { kind: "", icon: "rec", word: "Live", title: "", text: "" };
    case "no_signal":
      return { kind: "", icon: "nosig", word: "No signal", title: `No signal${since}`, text: sentence(state.reason) };
    case "lost":
      return { kind: "", icon: "net", word: "No connection", title: `No picture${since}`, text: state.retry ? `Trying again in ${state.retry} s.` : "Waiting for the next picture." };
    case "refused":
      return { kind: "bad", icon: "bad", word: "Not allowed", title: "You may not see this picture", text: "You have been logged out, or your level has changed. Log in again." };
    case "unsupported":
      return { kind: "unsure", icon: "unsure", word: "Cannot play", title: "This browser can’t play this picture", text: `It is coded as ${state.reason}. Try the small stream.` };
    case "paused":
      return { kind: "", icon: "pause", word: "Paused", title: "Paused", text: "" };
    default:
      return { kind: "", icon: "wait", word: "Connecting", title: "Connecting", text: "" };
  }
}

/** @param {string} text */
function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "";
}
