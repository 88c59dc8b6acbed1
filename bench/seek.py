"""Opening a recorded hour and seeking in it: from the page's call to the first picture drawn."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.browser import logged_in
from bench.hour import hour
from bench.table import Row

SEEKS = 20

OPEN = """async ([from, to, places]) => {
  const module = document.querySelector('script[type=module][src*="grid/start"]').src;
  const root = module.replace(/grid\\/start[^/]*$/, "");
  const { Player } = await import(root + "player/player.js");
  const { Recording } = await import(root + "player/recording.js");
  const show = async (player, time) => {
    const began = performance.now();
    if (!(await player.seek(time))) throw new Error(`nothing at ${time}`);
    return performance.now() - began;
  };
  const fresh = () => new Player(document.createElement("canvas"), new Recording("/api/v1/cameras/bench"));
  const opened = [];
  for (let i = 0; i < 5; i++) opened.push(await show(fresh(), from + 1000 + i * 1000));
  const player = fresh();
  await show(player, from);
  const sought = [];
  for (const place of places) sought.push(await show(player, from + place * (to - from)));
  return { opened, sought };
}"""


def rows() -> Iterator[Row]:
    """The median of opening, and of seeks all over the hour, each to a place that is not held yet."""
    places = [(number * 7 % SEEKS + 0.37) / SEEKS for number in range(SEEKS)]
    with hour() as recorded, logged_in(recorded.https) as page:
        found = page.evaluate(OPEN, [recorded.first_ms, recorded.end_ms, places])
    yield Row("open a recorded hour, first picture", statistics.median(found["opened"]), "ms", 300)
    yield Row("seek in it, p50", statistics.median(found["sought"]), "ms", 300)
    yield Row("seek in it, worst", max(found["sought"]), "ms", 300)
