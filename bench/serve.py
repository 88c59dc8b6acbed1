"""Serving one 4 Mbit/s stream to 1, 10, 100 RTSP/TCP viewers: our camera beside gst-rtsp-server, both from the file."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass

from bench.clip import ROOT, clip
from bench.device import Running, camera
from bench.process import measure, stopped
from camward.base.clock import NS, Utc
from camward.media import h264
from camward.media.mp4.reader import Mp4File
from camward.media.nal import iter_length_prefixed, join_length_prefixed
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.core.packetizer import StreamPacketizer

WINDOW = 10.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What serving reached.

    Args:
        viewers: how many.
        gbit_per_core: Gbit per core-second of the serving process.
        with_source: the same, the process that reads the source counted in, where there is one.
        mbit_each: Mbit/s that each viewer got.
    """

    viewers: int
    gbit_per_core: float
    with_source: float
    mbit_each: float


def camward(viewers: int) -> Serving:
    """Our camera: every viewer signed in with Digest, sender reports on."""
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
    return Serving(viewers, bits / 1e9 / (cost.first / cost.wall), bits / 1e9 / cost.cores, bits / viewers / 1e6)


def udp_sends(*, lone_slices: bool) -> float:
    """Sends by UDP of the clip's pictures to one client, as a share of the least: ceil(picture / 64,400).

    Segments of one send are of one size but for the last (UDP_SEGMENT), so a small NAL unit ahead of the slice is a
    send of its own. This clip has such a one (picture timing) in each picture.

    Args:
        lone_slices: leave that out, so that the pictures are as our own encoder makes them.
    """
    movie = Mp4File.scan(clip().read_bytes())
    video = next(track for track in movie.tracks if isinstance(track.form, VideoFormat))
    assert isinstance(video.form, VideoFormat)
    packetizer = StreamPacketizer(cname="bench")
    packetizer.set_format(StreamFormat(video.form))
    made = least = 0
    for number, sample in enumerate(video.samples):
        data = movie.read(sample)
        if lone_slices:
            data = join_length_prefixed(nal for nal in iter_length_prefixed(data) if h264.nal_type(nal) != h264.SEI)
        flags = Flags.KEY if sample.key else Flags.NONE
        unit = AccessUnit(Track.VIDEO, sample.presented, Utc(number * NS // 25), data, flags)
        packets = packetizer.packetize(unit)
        made += len(packets.runs)
        least += math.ceil(packets.size / 64_400)
    return made / least
