// Starts the live page.

import { api } from "../api.js";
import { showSummary } from "../cameras/summary.js";
import { Grid } from "./grid.js";
import { LastHour } from "./hour.js";
import { Needs } from "./needs.js";

const AGAIN = 3000;
/** Cameras that the strip of the last hour looks at. */
const IN_STRIP = 64;

const root = document.getElementById("grid");
if (root) {
  const grid = new Grid(root);
  if (root.querySelector("#needs")) new Needs(root, root.dataset.acknowledge === "yes");
  const hour = /** @type {any} */ (root.querySelector("#hour"));
  if (hour) new LastHour(hour, grid.tiles.slice(0, IN_STRIP).map((tile) => tile.id)).paint();

  const refresh = async () => {
    const { cameras } = await api("GET", "/api/v1/cameras");
    showSummary(cameras);
    for (const camera of cameras) grid.tiles.find((tile) => tile.id === camera.id)?.told(camera.state);
  };
  void refresh().catch(() => {});
  setInterval(() => { if (!document.hidden) void refresh().catch(() => {}); }, AGAIN);
  Object.assign(window, { grid });
}
