// First access: claim code, administrator, owner's key. Nothing is made on the device before the key is safe.
import { api, ApiError } from "../api.js";
import { icon } from "../dom.js";
import { fault } from "./fault.js";
import { judge } from "./judge.js";
import { keepKey, makeKey, protectedPem } from "./owner_key.js";

const PHRASE = 12;
const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
const forms = [1, 2, 3].map((step) => /** @type {HTMLFormElement} */ (document.getElementById(`form-${step}`)));
const owned = Boolean(forms[2].dataset.owned);

/** @type {{pair: CryptoKeyPair, spki: Uint8Array}|null} */
let key = null;
let saved = false;

/** @param {number} step */
function show(step) {
  forms.forEach((form, index) => (form.hidden = index + 1 !== step));
  [1, 2, 3].forEach((number) => {
    const mark = /** @type {HTMLElement} */ (document.getElementById(`step-${number}`));
    mark.classList.toggle("done", number < step);
    if (number === step) mark.setAttribute("aria-current", "step");
    else mark.removeAttribute("aria-current");
  });
  const form = forms[step - 1];
  const first = /** @type {HTMLElement|null} */ (form.querySelector("input:not([type=checkbox])")) || form.querySelector("h1");
  first?.focus();
}
for (const button of document.querySelectorAll("[data-back]")) {
  button.addEventListener("click", () => show(Number(/** @type {HTMLElement} */ (button).dataset.back)));
}

/** @param {HTMLFormElement} form @param {() => Promise<void>} work @param {string} place */
function onSubmit(form, work, place) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
    if (button.disabled) return;
    button.disabled = true;
    fault(place, "");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "ALREADY-CLAIMED") location.assign("/login");
      fault(place, error.text);
    } finally {
      button.disabled = false;
    }
  });
}

/* ---- 1: the code ---- */
onSubmit(
  forms[0],
  async () => {
    if (!field("code").value.trim()) {
      fault("code-error", "Write the code that stands on the label");
      return;
    }
    await api("POST", "/api/v1/claim/code", { code: field("code").value });
    show(2);
  },
  "code-error",
);

/* ---- 2: the administrator ---- */
const verdict = judge({
  password: field("password"),
  name: () => field("name").value.trim(),
  meter: /** @type {HTMLProgressElement} */ (document.getElementById("password-meter")),
  line: /** @type {HTMLElement} */ (document.getElementById("password-verdict")),
});
onSubmit(
  forms[1],
  async () => {
    fault("again-error", "");
    if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,31}$/.test(field("name").value.trim())) {
      fault("name-error", "A name has 1 to 32 letters (a to z), digits, and . _ - @, and begins with a letter or digit");
      field("name").focus();
    } else if (!(await verdict.ok())) field("password").focus();
    else if (field("password").value !== field("again").value) {
      fault("again-error", "The two passwords differ");
      field("again").focus();
    } else {
      if (!owned) key ??= await makeKey();
      show(3);
    }
  },
  "name-error",
);

/* ---- 3: the owner's key, then all of it at once ---- */
function mayFinish() {
  field("finish").disabled = !(owned || saved || field("lose").checked);
}
if (!owned) {
  field("lose").addEventListener("change", mayFinish);
  for (const id of ["phrase", "phrase-again"]) {
    field(id).addEventListener("input", () => {
      saved = false;
      document.getElementById("saved")?.replaceChildren();
      mayFinish();
    });
  }
  field("save").addEventListener("click", async () => {
    fault("phrase-error", "");
    const phrase = field("phrase").value;
    if ([...phrase].length < PHRASE) fault("phrase-error", `The passphrase needs ${PHRASE} characters or more`);
    else if (phrase !== field("phrase-again").value) fault("phrase-error", "The two passphrases differ");
    else if (phrase === field("password").value) fault("phrase-error", "Take another one than the administrator’s password");
    else {
      key ??= await makeKey();
      download(await protectedPem(key.pair.privateKey, phrase), "camward-owner-key.pem");
      saved = true;
      const place = /** @type {HTMLElement} */ (document.getElementById("saved"));
      place.className = "st st--ok";
      place.replaceChildren(icon("ok"), " Saved. Keep it where only you find it.");
      mayFinish();
    }
  });
}

/** @param {string} text @param {string} name */
function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

onSubmit(
  forms[2],
  async () => {
    const name = field("name").value.trim();
    const body = { code: field("code").value, name, password: field("password").value, owner_key: key ? btoa(String.fromCharCode(...key.spki)) : null };
    await api("POST", "/api/v1/claim", body);
    if (key) await keepKey(key.pair, key.spki).catch(() => {}); // the file is the copy that counts
    await api("POST", "/api/v1/session", { name, password: field("password").value });
    location.assign("/");
  },
  "claim-error",
);
