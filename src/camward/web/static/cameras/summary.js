// The bar's word on how many cameras are recorded, as it changes.

/** @param {{state: {state: string}}[]} cameras */
export function showSummary(cameras) {
  const summary = document.getElementById("summary");
  if (!summary) return;
  const wanted = cameras.filter((camera) => camera.state.state !== "off");
  const recording = wanted.filter((camera) => camera.state.state === "recording").length;
  const words = `Recording ${recording} of ${wanted.length}`;
  const place = summary.querySelector("span");
  if (place && place.textContent !== words) place.textContent = words;
  summary.classList.toggle("st--unsure", recording < wanted.length);
}
