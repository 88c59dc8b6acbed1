// Users, client secrets, sessions: each change is asked of the device, and the page shows what it said.
import { api, ApiError } from "../api.js";
import { openDialog } from "../app.js";
import { fault } from "../claim/fault.js";
import { judge } from "../claim/judge.js";
import { icon } from "../dom.js";

const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const path = (/** @type {string} */ kind, /** @type {string|undefined} */ name) => `/api/v1/${kind}/${encodeURIComponent(name || "")}`;

/** Do it, then show the list anew; or say why not. @param {string} place @param {() => Promise<unknown>} work */
async function attempt(place, work) {
  fault(place, "");
  try {
    await work();
    location.reload();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fault(place, error.text);
  }
}

/** Ask first. @param {{title: string, text: string, yes: string}} words @param {() => void} then */
function confirm({ title, text, yes }, then) {
  by("confirm-title").textContent = title;
  by("confirm-text").textContent = text;
  const button = by("confirm-yes");
  button.textContent = yes;
  button.onclick = () => {
    /** @type {HTMLDialogElement} */ (by("confirm")).close();
    then();
  };
  openDialog("confirm");
}

/** A form in a dialog. @param {string} id @param {(data: FormData) => Promise<unknown>} work @param {boolean} [reload] */
function dialogForm(id, work, reload = true) {
  const form = /** @type {HTMLFormElement} */ (by(id).querySelector("form"));
  const place = /** @type {HTMLElement} */ (form.querySelector(".fault"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    place.replaceChildren();
    try {
      await work(new FormData(form));
      if (reload) location.reload();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      place.append(icon("bad"), ` ${error.text}`);
    }
  });
  const password = /** @type {HTMLInputElement|null} */ (form.querySelector("input[type=password]"));
  if (password) {
    judge({
      password,
      name: () => String(new FormData(form).get("name") || by(id).dataset.name || ""),
      meter: /** @type {HTMLProgressElement} */ (form.querySelector("progress")),
      line: /** @type {HTMLElement} */ (form.querySelector(".verdict-line")),
    });
  }
  return form;
}

/** Open a dialog about somebody. @param {string} id @param {string} name */
function openFor(id, name) {
  by(id).dataset.name = name;
  const place = by(id).querySelector("[data-name]");
  if (place) place.textContent = name;
  openDialog(id);
}

/* ---- users ---- */
for (const row of document.querySelectorAll("[data-user]")) {
  const name = /** @type {HTMLElement} */ (row).dataset.user || "";
  const role = /** @type {HTMLSelectElement} */ (row.querySelector("[data-role]"));
  const before = role.value;
  role.addEventListener("change", () => {
    const word = role.selectedOptions[0].textContent || "";
    void attempt("users-fault", () => api("PATCH", path("users", name), { role: role.value, ...(role.value === "administrator" ? { cameras: null } : {}) })).then(() => {
      role.value = before; // only where it was refused: else the page is loaded again
    });
    by("say").textContent = `${name}: ${word}`;
  });
  row.querySelector("[data-password]")?.addEventListener("click", () => openFor("set-password", name));
  row.querySelector("[data-remove]")?.addEventListener("click", () =>
    confirm({ title: `Remove ${name}?`, text: "Their sessions end at once. What they did stays in the journal.", yes: "Remove" }, () => void attempt("users-fault", () => api("DELETE", path("users", name)))),
  );
  row.querySelector("[data-cameras]")?.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    const form = /** @type {HTMLFormElement} */ (by("set-cameras").querySelector("form"));
    /** @type {HTMLInputElement} */ (form.elements.namedItem("all")).checked = Boolean(button.dataset.all);
    /** @type {HTMLInputElement} */ (form.elements.namedItem("cameras")).value = button.dataset.cameras || "";
    openFor("set-cameras", name);
  });
}
dialogForm("add-user", (data) => api("POST", "/api/v1/users", { name: String(data.get("name")).trim(), role: data.get("role"), password: data.get("password") }));
dialogForm("set-password", (data) => api("PATCH", path("users", by("set-password").dataset.name), { password: data.get("password") }));
dialogForm("set-cameras", (data) => {
  const cameras = data.get("all") ? null : String(data.get("cameras")).split(/[\s,]+/).filter(Boolean);
  return api("PATCH", path("users", by("set-cameras").dataset.name), { cameras });
});

/* ---- client secrets ---- */
const clientForm = dialogForm(
  "add-client",
  async (data) => {
    const made = await api("POST", "/api/v1/clients", { name: String(data.get("name")).trim(), scope: data.get("scope") });
    clientForm.hidden = true;
    by("client-made").hidden = false;
    by("made-name").textContent = made.name;
    by("made-secret").textContent = made.secret;
  },
  false,
);
by("copy-secret").addEventListener("click", async () => {
  await navigator.clipboard.writeText(by("made-secret").textContent || "");
  by("say").textContent = "Copied";
});
by("made-done").addEventListener("click", () => location.reload());
by("add-client").addEventListener("close", () => {
  if (!by("client-made").hidden) location.reload();
});
for (const row of document.querySelectorAll("[data-client]")) {
  const name = /** @type {HTMLElement} */ (row).dataset.client || "";
  row.querySelector("[data-revoke]")?.addEventListener("click", () =>
    confirm({ title: `Revoke the secret of ${name}?`, text: "It is worthless at once; a program that uses it is cut off.", yes: "Revoke" }, () => void attempt("clients-fault", () => api("DELETE", path("clients", name)))),
  );
}

/* ---- sessions ---- */
for (const row of document.querySelectorAll("[data-session]")) {
  const id = /** @type {HTMLElement} */ (row).dataset.session || "";
  row.querySelector("[data-end]")?.addEventListener("click", () => void attempt("sessions-fault", () => api("DELETE", path("sessions", id))));
}
