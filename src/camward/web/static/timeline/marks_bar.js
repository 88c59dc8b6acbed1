// What is said of the marked range, and its buttons.

import { api } from "../api.js";

/** @typedef {import("./page.js").TimelinePage} Page */

export class MarksBar {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
  }

  paint() {
    const { page } = this;
    const { marks } = page;
    const marked = marks.from !== null || marks.to !== null;
    page.part("marked").hidden = !marked;
    page.part("unmarked").hidden = marked;
    page.part("marked-range").textContent = marks.words;
    page.part("marked-facts").textContent = marks.facts ? ` · ${marks.facts}` : "";
    const link = /** @type {HTMLAnchorElement|null} */ (page.root.querySelector("#download"));
    if (!link) return;
    const ready = marks.whole && !marks.problem && marks.bytes !== 0;
    if (ready) {
      link.href = marks.address;
      link.removeAttribute("aria-disabled");
    } else {
      link.removeAttribute("href");
      link.setAttribute("aria-disabled", "true");
    }
  }

  download() {
    const { page } = this;
    if (!page.mayDownload) page.bar.say("Your account may look, not download.");
    else if (!page.marks.whole) page.bar.say("Mark a range first: I is its start, O its end.");
    else if (page.marks.problem) page.bar.say(page.marks.problem);
    else /** @type {HTMLAnchorElement} */ (page.part("download")).click();
  }

  /** Keep the range from being deleted. */
  async pin() {
    const { page } = this;
    const { marks } = page;
    if (!marks.whole) { page.bar.say("Mark a range first: I is its start, O its end."); return; }
    try {
      await api("POST", "/api/v1/pins", { camera: marks.camera, from: Math.floor(/** @type {number} */ (marks.from)), to: Math.ceil(/** @type {number} */ (marks.to)), reason: "Marked on the timeline" });
      page.bar.say(`Kept: ${marks.words} will not be deleted. Cameras lists what is kept.`);
    } catch (error) {
      page.bar.say(/** @type {import("../api.js").ApiError} */ (error).text);
    }
  }
}
