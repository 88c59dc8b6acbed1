// The add-camera wizard: five steps, each of which can fail alone with its reason. Nothing is saved before a picture came.
//
// The claim code stays in this page: what the recorder gets is a proof that fits this camera and this recorder only.
// Nothing at all is sent to the camera's sign-in before its fingerprint was confirmed.

import { ApiError, api } from "../api.js";
import { days } from "../cameras/words.js";
import { bytesOf, fromHex, pairingProof, plainCode } from "./proof.js";
import { drawStill } from "./still.js";

/**
 * @typedef {object} Found     what answered at the address
 * @property {string} address
 * @property {string} stream   where its main stream should be
 * @property {string} host
 * @property {"camward"|"rtsp"} kind
 * @property {boolean} encrypted
 * @property {boolean} claimable a Camward camera that may take a claim code
 * @property {{sha256: string, words: string, subject: string, serial: string, identity: boolean}|null} certificate
 */

const STEPS = ["address", "sign-in", "confirm", "picture", "save"];
/** Which step a refusal belongs to, by its code. @type {Readonly<Record<string, string>>} */
const BELONGS = Object.freeze({ "CAMERA-ADDRESS": "address", "CAMERA-CERTIFICATE": "confirm", "CAMERA-SIGN-IN": "sign-in", "CAMERA-PAIR": "sign-in", "CAMERA-STREAM": "picture" });

export class Wizard {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Found|null} */
    this.found = null;
    /** The camera's id once it was paired: it is saved then, and the last step only names it. */
    this.paired = "";
    this.step = "address";
    this.ownerKey = root.dataset.ownerKey ? bytesOf(root.dataset.ownerKey) : null;
    this.recorderCertificate = bytesOf(root.dataset.certificate ?? "");
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      const step = /** @type {HTMLElement} */ (event.target).dataset.step ?? "";
      if (!this._busy) void this._run(step);
    });
    root.addEventListener("click", (event) => {
      const back = event.target instanceof Element ? event.target.closest("[data-back]") : null;
      if (back) this.show(/** @type {HTMLElement} */ (back).dataset.back ?? "address");
    });
    for (const way of root.querySelectorAll('input[name="way"]')) way.addEventListener("change", () => this._way());
    this._busy = false;
    this._way();
    this.show("address");
  }

  /** @param {string} id */
  part(id) { return /** @type {HTMLElement} */ (this.root.querySelector(`#${id}`)); }
  /** @param {string} id */
  field(id) { return /** @type {HTMLInputElement} */ (this.part(id)); }

  /** @param {string} step @param {{focus?: boolean}} [options] */
  show(step, { focus = true } = {}) {
    this.step = step;
    const at = STEPS.indexOf(step);
    for (const form of /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("form[data-step]"))) form.hidden = form.dataset.step !== step;
    this.root.querySelectorAll(".steps li").forEach((item, index) => {
      item.classList.toggle("done", index < at);
      if (index === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    this._problem(step, null);
    if (focus) /** @type {HTMLElement|null} */ (this.root.querySelector(`form[data-step="${step}"] :is(input:not([type=radio]):not([hidden]), button)`))?.focus();
  }

  /** @param {string} step */
  async _run(step) {
    /** @type {Record<string, () => Promise<void>>} */
    const does = { address: () => this._address(), "sign-in": () => this._signIn(), confirm: () => this._confirm(), picture: () => this._picture(), save: () => this._save() };
    this._wait(step, true);
    this._problem(step, null);
    try {
      await does[step]();
    } catch (error) {
      this._fail(step, error);
    } finally {
      this._wait(step, false);
    }
  }

  /** The reason is shown at the step it belongs to, with what was entered there kept. @param {string} step @param {unknown} error */
  _fail(step, error) {
    const where = (error instanceof ApiError && BELONGS[error.code]) || step;
    const at = STEPS.indexOf(where) <= STEPS.indexOf(step) ? where : step;
    if (at !== step) this.show(at);
    this._problem(at, error);
  }

  /** @param {string} step @param {unknown} error */
  _problem(step, error) {
    const note = /** @type {HTMLElement} */ (this.root.querySelector(`form[data-step="${step}"] .problem`));
    note.hidden = !error;
    const text = /** @type {HTMLElement} */ (note.querySelector("[data-text]"));
    text.textContent = error instanceof ApiError ? error.text : error ? /** @type {Error} */ (error).message : "";
  }

  /** @param {string} step @param {boolean} busy */
  _wait(step, busy) {
    this._busy = busy;
    const form = /** @type {HTMLFormElement} */ (this.root.querySelector(`form[data-step="${step}"]`));
    form.setAttribute("aria-busy", String(busy));
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
    button.setAttribute("aria-disabled", String(busy));
    const line = form.querySelector("progress");
    if (line) line.hidden = !busy;
  }

  // ---------- 1 address ----------

  async _address() {
    const address = this.field("address").value.trim();
    if (!address) throw new Error("Write the camera’s address, such as 192.168.1.40 or rtsp://192.168.1.40/stream1.");
    const found = /** @type {Found} */ (await api("POST", "/api/v1/cameras/look", { address }));
    this.found = found;
    this.paired = "";
    this.part("found").textContent = sentence(found);
    this.field("stream-address").value = found.stream;
    const code = /** @type {HTMLInputElement} */ (this.root.querySelector('input[name="way"][value="code"]'));
    const name = /** @type {HTMLInputElement} */ (this.root.querySelector('input[name="way"][value="name"]'));
    const may = found.claimable && this.ownerKey !== null;
    code.disabled = !may;
    (may ? code : name).checked = true;
    const why = noCode(found);
    this.part("no-code").hidden = may || !why;
    this.part("no-code").textContent = may ? "" : why;
    this._way();
    this._certificate(found);
    this.show("sign-in");
  }

  // ---------- 2 sign in: kept here until the fingerprint is confirmed ----------

  get _byCode() {
    return /** @type {HTMLInputElement|null} */ (this.root.querySelector('input[name="way"]:checked'))?.value === "code";
  }

  _way() {
    this.part("by-code").hidden = !this._byCode;
    this.part("by-name").hidden = this._byCode;
  }

  async _signIn() {
    if (this._byCode && plainCode(this.field("code").value) === null) throw new Error("That is no claim code. It has 16 letters and digits, and is on the camera’s label or console.");
    this.show("confirm");
  }

  // ---------- 3 confirm ----------

  /** @param {Found} found */
  _certificate({ certificate }) {
    this.part("with-certificate").hidden = !certificate;
    this.part("without-certificate").hidden = certificate !== null;
    if (!certificate) return;
    this.part("words").textContent = certificate.words;
    this.part("sha256").textContent = certificate.sha256;
    this.part("subject").textContent = certificate.subject;
    this.part("serial").textContent = certificate.serial || "none";
    this.part("which").textContent = certificate.identity ? "This is the fingerprint of the camera’s identity; it stays the same for the camera’s whole life." : "This is the fingerprint of the certificate that the camera serves; when that is renewed, you will be asked again.";
  }

  async _confirm() {
    const certified = Boolean(this.found?.certificate);
    const box = this.field(certified ? "same" : "accept");
    if (!box.checked) throw new Error(certified ? "Compare the words with the camera’s label or console, then tick the box." : "Without encryption anybody between may watch: tick the box if that is right here.");
    this.show("picture", { focus: false });
    await this._picture();
  }

  // ---------- 4 picture ----------

  async _picture() {
    const found = /** @type {Found} */ (this.found);
    const part = this.part("seen");
    part.hidden = true;
    this._wait("picture", true);
    try {
      if (this._byCode) { await this._pair(found); return; }
      const seen = await api("POST", "/api/v1/cameras/try", this._signedIn(found));
      this._seen(seen);
      await this._drawn(seen);
      part.hidden = false;
      if (!this.field("camera-name").value) this.field("camera-name").value = found.host;
      this.show("picture", { focus: false });
      /** @type {HTMLElement} */ (this.root.querySelector("[data-next]")).focus();
    } finally {
      this._wait("picture", false);
    }
  }

  /** @param {Found} found */
  _signedIn(found) {
    return { address: this.field("stream-address").value.trim(), username: this.field("name").value, secret: this.field("secret").value, pin: found.certificate?.sha256 ?? null };
  }

  /** A paired camera is saved at once, after its picture came: its secret is known to the two devices only. @param {Found} found */
  async _pair(found) {
    if (!this.paired) {
      if (!this.ownerKey || !found.certificate) throw new Error("This camera can’t be paired by claim code.");
      const code = plainCode(this.field("code").value);
      if (code === null) throw new Error("That is no claim code.");
      const proof = await pairingProof(code, { fingerprint: fromHex(found.certificate.sha256), ownerKey: this.ownerKey, recorderCertificate: this.recorderCertificate });
      const camera = await api("POST", "/api/v1/cameras/pair", { address: found.address, pin: found.certificate.sha256, proof, name: found.certificate.serial || found.host.slice(0, 64) });
      this.paired = camera.id;
      this.field("code").value = "";
      this.field("camera-name").value = camera.name;
    }
    this.show("save");
    this.part("paired").hidden = false;
  }

  /** @param {any} seen */
  _seen(seen) {
    this.part("stream").textContent = `${seen.codec_name}, ${seen.width} × ${seen.height}${seen.frame_rate ? `, ${seen.frame_rate} pictures a second` : ""}${seen.audio ? `, sound: ${seen.audio}` : ", no sound"}`;
    this.part("rate").textContent = seen.kbit_s ? `about ${(seen.kbit_s / 1000).toFixed(1)} Mbit/s, as usual for its size` : "not known";
    this.part("kept").textContent = seen.days === null ? "not known yet" : days(seen.days);
  }

  /** @param {any} seen */
  async _drawn(seen) {
    const note = this.part("not-drawn");
    try {
      await drawStill(/** @type {any} */ (this.part("still")), seen.picture);
      note.hidden = true;
    } catch (error) {
      note.hidden = false;
      note.textContent = /** @type {Error} */ (error).message;
    }
  }

  // ---------- 5 save ----------

  async _save() {
    const found = /** @type {Found} */ (this.found);
    const number = (/** @type {string} */ id) => (this.field(id).value ? Number(this.field(id).value) : null);
    const kept = { name: this.field("camera-name").value.trim(), keep_days: number("keep-days"), keep_gb: number("keep-gb") };
    if (!kept.name) throw new Error("Give it a name.");
    const saved = this.paired ? await api("PATCH", `/api/v1/cameras/${encodeURIComponent(this.paired)}`, kept) : await api("POST", "/api/v1/cameras", { ...this._signedIn(found), kind: found.kind, ...kept });
    location.assign(`/cameras?added=${encodeURIComponent(saved.id)}`);
  }
}

/** @param {Found} found */
function sentence(found) {
  const what = found.kind === "camward" ? "A Camward camera" : found.address.startsWith("https") ? "A device with HTTPS" : "A camera that speaks RTSP";
  return `${what} at ${found.host}${found.encrypted ? "" : ", without encryption"}.`;
}

/** Why the claim code is no way in. @param {Found} found */
function noCode(found) {
  if (found.claimable) return "This recorder has no owner’s key, so it can’t pair by claim code: make a client secret on the camera’s own page.";
  return found.kind === "camward" ? "Make a client secret for this recorder on the camera’s page: Setup, Clients." : "";
}
