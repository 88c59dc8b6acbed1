// The login page: one sentence for every failure, seconds to wait counted down, then on to the page that was asked for.
import { api, ApiError } from "../api.js";
import { fault } from "./fault.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("login"));
const name = /** @type {HTMLInputElement} */ (document.getElementById("name"));
const password = /** @type {HTMLInputElement} */ (document.getElementById("password"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!name.value || !password.value) {
    fault("login-error", "Write your name and your password");
    return;
  }
  button.disabled = true;
  fault("login-error", "");
  try {
    await api("POST", "/api/v1/session", { name: name.value.trim(), password: password.value });
    location.assign(form.dataset.wanted || "/");
    return;
  } catch (error) {
    const failure = /** @type {ApiError} */ (error);
    password.value = "";
    password.focus();
    if (failure.wait) {
      await count(failure);
      fault("login-error", "You can try again now");
    } else fault("login-error", failure.text);
  }
  button.disabled = false;
});

/** @param {ApiError} failure */
async function count(failure) {
  for (let left = Math.ceil(failure.wait); left > 0; left -= 1) {
    fault("login-error", `${failure.message}. Try again in ${left} second${left === 1 ? "" : "s"}.`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
