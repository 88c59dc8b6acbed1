// Before the first paint: light or dark as chosen in this browser; else as the system has it. A classic script on purpose.
"use strict";
{
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
