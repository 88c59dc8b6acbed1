// One camera's page: change and remove.

import { api } from "../api.js";

const root = document.getElementById("camera");
if (root) {
  const path = `/api/v1/cameras/${encodeURIComponent(root.dataset.camera ?? "")}`;
  const sure = /** @type {HTMLDialogElement} */ (document.getElementById("sure"));
  document.getElementById("remove")?.addEventListener("click", () => sure.showModal());
  sure.querySelector("[data-cancel]")?.addEventListener("click", () => sure.close());

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    void (form.dataset.form === "remove" ? removed(form) : changed(form));
  });

  /** @param {HTMLFormElement} form */
  const changed = (form) => attempt(form, async () => {
    const data = new FormData(form);
    const number = (/** @type {string} */ name) => (data.get(name) ? Number(data.get(name)) : null);
    const secret = String(data.get("secret") ?? "");
    await api("PATCH", path, { name: String(data.get("name")).trim(), enabled: data.get("enabled") !== null, keep_days: number("keep_days"), keep_gb: number("keep_gb"), username: String(data.get("username") ?? ""), ...(secret ? { secret } : {}) });
    /** @type {HTMLInputElement} */ (form.elements.namedItem("secret")).value = "";
    /** @type {HTMLElement} */ (form.querySelector("[data-done]")).textContent = "Saved.";
  });

  /** @param {HTMLFormElement} form */
  const removed = (form) => attempt(form, async () => {
    await api("DELETE", path);
    location.assign("/cameras");
  });
}

/** @param {HTMLFormElement} form @param {() => Promise<void>} action */
async function attempt(form, action) {
  const note = /** @type {HTMLElement} */ (form.querySelector(".problem"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
  note.hidden = true;
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    /** @type {HTMLElement} */ (note.querySelector("[data-text]")).textContent = /** @type {import("../api.js").ApiError} */ (error).text;
    note.hidden = false;
  } finally {
    button.disabled = false;
  }
}
