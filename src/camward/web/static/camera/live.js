// The camera's live page: the picture, its caption outside of it, stream, sound, snapshot, full screen.
import { forPage } from "../app.js";
import { clock, icon, say } from "../dom.js";
import { LiveView } from "../live/view.js";
import { wordsOf } from "../live/words.js";
import { settingsForm } from "../setup/form.js";
import { zoneEditor } from "./zones.js";

const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const canvas = /** @type {HTMLCanvasElement} */ (by("picture"));
const none = by("none");
const caption = by("state");
const delay = by("delay");
const time = by("time");
const facts = by("facts");
const player = by("player");
const snapshot = /** @type {HTMLAnchorElement|null} */ (document.getElementById("snapshot"));

/** @param {import("../live/view.js").LiveState} state */
function tell(state) {
  const words = wordsOf(state);
  caption.className = words.kind ? `st st--${words.kind}` : "st";
  caption.replaceChildren(icon(words.icon), Object.assign(document.createElement("span"), { textContent: words.word }));
  none.hidden = state.kind === "live";
  none.replaceChildren(icon(words.icon), bold(words.title || words.word), Object.assign(document.createElement("span"), { textContent: words.text }));
  if (state.kind === "live") return;
  delay.hidden = true;
  time.textContent = "--:--:--";
  facts.textContent = "";
}

/** @param {string} text */
const bold = (text) => Object.assign(document.createElement("b"), { textContent: text });

let second = "";
/** @param {{utc: number, delay: number, width: number, height: number}} picture */
function shown(picture) {
  const taken = clock(new Date(picture.utc + view.offset));
  if (taken === second) return;
  second = taken;
  time.textContent = taken;
  const late = picture.delay / 1000;
  delay.hidden = late < 1;
  if (delay.lastElementChild) delay.lastElementChild.textContent = `${late.toFixed(1)} s late`;
  facts.textContent = `${picture.width} × ${picture.height}`;
}

const view = new LiveView(canvas, { url: "/live?stream=stream1", onstate: tell, onpicture: shown });
// For measurements from outside: pictures as they leave the decoder.
/** @type {any} */ (window).camwardLive = view;
view.start();

/* ---- streams ---- */
const choices = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-stream]")]);
/** @param {string} stream */
function choose(stream) {
  for (const button of choices) button.setAttribute("aria-pressed", String(button.dataset.stream === stream));
  view.show(`/live?stream=${stream}`);
  if (snapshot) snapshot.href = `/snapshot.jpg?stream=${stream}`;
}
for (const button of choices) button.addEventListener("click", () => choose(button.dataset.stream || ""));

/* ---- sound, snapshot, full screen ---- */
const sound = by("sound");
async function toggleSound() {
  const on = sound.getAttribute("aria-pressed") !== "true";
  sound.setAttribute("aria-pressed", String(on));
  await view.setSound(on);
  if (on && !view.hasSound) say("This stream has no sound");
}
sound.addEventListener("click", () => void toggleSound());
snapshot?.addEventListener("click", () => {
  snapshot.download = `${document.querySelector(".cap b")?.textContent || "camera"} ${new Date().toISOString().replace(/[:]/g, "-").slice(0, 19)}Z.jpg`;
});
function fullScreen() {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void player.requestFullscreen?.();
}
by("full").addEventListener("click", fullScreen);
canvas.addEventListener("dblclick", fullScreen);

document.addEventListener("keydown", (event) => {
  if (!forPage(event)) return;
  const key = event.key.toLowerCase();
  if (key === "f") fullScreen();
  else if (key === "m") void toggleSound();
  else if (key === "s") snapshot?.click();
  else if (key === "1" || key === "2") choices[Number(key) - 1]?.click();
});

/* ---- picture settings and zones ---- */
for (const form of document.querySelectorAll("form[data-settings]")) settingsForm(/** @type {HTMLFormElement} */ (form), { onset: () => {} });
if (document.getElementById("zones-card")) zoneEditor(canvas);
