// Starts the wizard when its page is there, and goes from the picture to the last step.

import { Wizard } from "./wizard.js";

const root = document.getElementById("wizard");
if (root) {
  const wizard = new Wizard(root);
  root.querySelector("[data-next]")?.addEventListener("click", () => wizard.show("save"));
}
