"""`python -m bench [record serve start live seek]`: all benchmarks, or those named. Takes about fifteen minutes."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator

import structlog

from bench import live, record, seek, serve, start
from bench.clip import FOLDER
from bench.table import Row, show


def record_rows() -> Iterator[Row]:
    """Recording: CPU per camera-second, and memory beyond the process itself."""
    base = record.camward(0).megabytes
    for cameras in (1, 10, 40):
        ours, peer = record.camward(cameras), record.ffmpeg(cameras)
        goal = 1.5 if cameras == 40 else None
        work = f"record {cameras} x 1080p25, RTSP"
        yield Row(work, ours.milliseconds, "ms CPU per camera-s", goal, peer=peer.milliseconds, peer_name="ffmpeg")
        each, theirs = (ours.megabytes - base) / cameras, peer.megabytes / cameras
        goal = 1.5 if cameras == 40 else None
        yield Row(f"{work}: memory", each, "MB per camera", goal, peer=theirs, peer_name="ffmpeg")
    yield Row("record 40 x 1080p25, RTSPS", record.camward(40, tls=True).milliseconds, "ms CPU per camera-s", 2.5)
    yield Row("recorder without a camera: memory", base, "MB")


def serve_rows() -> Iterator[Row]:
    """Serving: Gbit per core-second."""
    for viewers in (1, 10, 100):
        ours, peer = serve.camward(viewers), serve.gstreamer(viewers)
        goal = 10.0 if viewers == 100 else None
        work = f"serve 4 Mbit/s to {viewers}, RTSP/TCP"
        unit = "Gbit per core-s"
        other = "gst-rtsp-server"
        yield Row(work, ours.gbit_per_core, unit, goal, higher=True, peer=peer.gbit_per_core, peer_name=other)
        whole = f"{work}, with the worker that reads the source"
        yield Row(whole, ours.with_source, unit, higher=True, peer=peer.gbit_per_core, peer_name=other)
    share = "times ceil(picture / 64,400)"
    yield Row("serve by UDP: sends, pictures of our encoder", serve.udp_sends(lone_slices=True), share, 1.0)
    yield Row("serve by UDP: sends, the clip's (with an SEI each)", serve.udp_sends(lone_slices=False), share)


ALL: dict[str, Callable[[], Iterator[Row]]] = {
    "record": record_rows,
    "serve": serve_rows,
    "start": start.rows,
    "live": live.rows,
    "seek": seek.rows,
}


def main() -> int:
    """Run, report as it goes, show the table, and say which goals were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="which; all without")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wanted = parser.parse_args().names or list(ALL)
    rows: list[Row] = []
    for name in wanted:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        for row in ALL[name]():
            print(f"  {row.work}: {row.ours:.3g} {row.unit}", file=sys.stderr, flush=True)
            rows.append(row)
    show(rows, to=FOLDER / "results.json")
    missed = [row.work for row in rows if row.reached is False]
    if missed:
        print("Not reached: " + "; ".join(missed), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
