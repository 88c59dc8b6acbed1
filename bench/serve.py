"""Serving one 4 Mbit/s stream to 1, 10, 100 RTSP/TCP viewers: our camera beside gst-rtsp-server, both from the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from bench.clip import ROOT, clip
from bench.device import Running, camera
from bench.process import measure, stopped

WINDOW = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What serving reached: viewers, Gbit per core-second of the serving process, Mbit/s that each viewer got."""

    viewers: int
    gbit_per_core: float
    mbit_each: float


def camward(viewers: int) -> Serving:
    """Our camera: every viewer signed in with Digest, sender reports on. The media worker's CPU counts as ours."""
    with camera(f"file:{clip()}") as device:
        return _serve(device.pids, device.url("stream1"), viewers, login=device)


def gstreamer(viewers: int) -> Serving:
    """The peer, one shared factory, no authentication."""
    command = ["/usr/bin/python3", str(ROOT / "bench" / "gst_server.py"), str(clip(seconds=60))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        return _serve([server.pid], f"rtsp://127.0.0.1:{port}/stream1", viewers, login=None)
    finally:
        stopped(server)


def _serve(pids: list[int], url: str, viewers: int, *, login: Running | None) -> Serving:
    environment = dict(os.environ)
    if login is not None:
        environment["BENCH_LOGIN_FILE"] = str(login.login_file)
    command = [sys.executable, "-m", "bench.readers", url, str(viewers), str(WINDOW + 2)]
    readers = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert readers.stdout is not None
    try:
        assert readers.stdout.readline().strip() == "playing"
        cost = measure(pids, WINDOW)
        received = json.loads(readers.stdout.readline())
    finally:
        readers.wait(30)
        readers.stdout.close()
    bits = sum(received) * 8 / (WINDOW + 2)
    return Serving(viewers, bits / 1e9 / cost.cores, bits / viewers / 1e6)
