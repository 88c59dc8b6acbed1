// One's own password and sessions.
import { api, ApiError } from "../api.js";
import { fault } from "../claim/fault.js";
import { judge } from "../claim/judge.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("own-password"));
const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
const done = /** @type {HTMLElement} */ (document.getElementById("password-done"));
const verdict = judge({
  password: field("new"),
  name: () => /** @type {HTMLInputElement} */ (form.elements.namedItem("username")).value,
  meter: /** @type {HTMLProgressElement} */ (form.querySelector("progress")),
  line: /** @type {HTMLElement} */ (form.querySelector(".verdict-line")),
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  fault("password-fault", "");
  done.textContent = "";
  if (!(await verdict.ok())) field("new").focus();
  else if (field("new").value !== field("again").value) fault("password-fault", "The two new passwords differ");
  else {
    try {
      await api("PUT", "/api/v1/account/password", { old: field("old").value, new: field("new").value });
      form.reset();
      done.textContent = "Changed. Your other sessions have ended.";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      fault("password-fault", error.code === "LOGIN-REFUSED" ? `The present password is not right${error.wait ? `, and this address has to wait ${error.wait} seconds` : ""}` : error.text);
    }
  }
});

for (const button of document.querySelectorAll("[data-end]")) {
  button.addEventListener("click", async () => {
    const row = /** @type {HTMLElement} */ (button.closest("tr"));
    try {
      await api("DELETE", `/api/v1/account/sessions/${encodeURIComponent(row.dataset.session || "")}`);
      row.remove();
    } catch (error) {
      fault("sessions-fault", /** @type {ApiError} */ (error).text);
    }
  });
}
