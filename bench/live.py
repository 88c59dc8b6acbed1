"""From a picture's time stamp in the camera to the decoder's output in the browser, on loopback, 1080p25."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.browser import logged_in
from bench.clip import clip
from bench.device import camera
from bench.table import Row

SECONDS = 20

COLLECT = """async ([seconds]) => {
  const module = document.querySelector('script[type=module][src*="camera/live"]').src;
  const { LiveView } = await import(module.replace(/camera\\/live[^/]*$/, "live/view.js"));
  window.camwardLive.stop();  // the page's own picture: what is measured is one viewer, not two
  document.querySelector("canvas").remove();
  const canvas = document.body.appendChild(document.createElement("canvas"));
  const view = new LiveView(canvas, { url: "/live?stream=stream1" });
  const delays = [];
  view.addEventListener("picture", (event) => {
    delays.push(performance.timeOrigin + performance.now() - event.detail.utc);
  });
  view.start();
  await new Promise((done) => setTimeout(done, 3000));
  delays.length = 0;  // the open group, which a viewer gets first, is old by nature
  await new Promise((done) => setTimeout(done, seconds * 1000));
  view.stop();
  return delays;
}"""


def rows() -> Iterator[Row]:
    """WebCodecs, and the fallback to Media Source Extensions as its peer."""
    codecs, sources = _delays(), _delays(without="VideoDecoder")
    for name, share, goal in (("p50", 0.5, 40.0), ("p95", 0.95, 80.0)):
        ours, peer = _quantile(codecs, share), _quantile(sources, share)
        yield Row(f"live picture in the browser, {name}", ours, "ms", goal, peer=peer, peer_name="MSE")
    yield Row("live pictures shown", len(codecs) / SECONDS, "per s", 24.0, higher=True)


def _delays(*, without: str = "") -> list[float]:
    with camera(f"file:{clip()}") as device, logged_in(device.https, without=without) as page:
        delays: list[float] = page.evaluate(COLLECT, [SECONDS])
        return delays


def _quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
