"""From starting the camera's process to the first picture that an RTSP viewer has received whole."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator

from bench.clip import clip
from bench.device import Running, camera
from bench.readers import Viewer
from bench.table import Row

RUNS = 5
PATIENCE = 15.0


def rows() -> Iterator[Row]:
    """The median of some starts."""
    seconds = []
    for _ in range(RUNS):
        with camera(f"file:{clip()}", settle=0) as device:
            seconds.append(_first_picture(device))
    yield Row("start of a camera to first RTSP picture", statistics.median(seconds), "s", 2.0)


def _first_picture(device: Running) -> float:
    login = tuple(device.login_file.read_text().split(":", 1))
    while time.monotonic() - device.began < PATIENCE:
        with contextlib.suppress(OSError, AssertionError):
            viewer = Viewer(device.url("stream1"), login)  # type: ignore[arg-type]
            with contextlib.closing(viewer.socket):
                viewer.await_picture()
                return time.monotonic() - device.began
        time.sleep(0.02)
    raise TimeoutError("no picture came")
