"""Recording N cameras of 1080p25 at 4 Mbit/s, paced like real ones: our recorder beside one ffmpeg per camera."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.clip import FOLDER, ROOT, clip
from bench.device import free_port
from bench.process import Cost, measure, stopped

SETTLE, WINDOW = 12.0, 20.0
"""Seconds before measuring (start-up costs are over), and of measuring."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What recording cost.

    Args:
        cameras: how many.
        milliseconds: CPU per camera-second.
        megabytes: proportional memory of all processes.
        stored: bytes on the disk per camera-second, to see that all was recorded.
    """

    cameras: int
    milliseconds: float
    megabytes: float
    stored: float


@contextlib.contextmanager
def feeder(*, tls: bool = False) -> Iterator[tuple[str, str]]:
    """A shelf of cameras: (URL, fingerprint of its certificate)."""
    command = [sys.executable, "-m", "bench.feeder", str(clip())]
    pin = ""
    if tls:
        certificate, key = _certificate()
        command += ["--tls", str(certificate), str(key)]
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        yield f"{'rtsps' if tls else 'rtsp'}://127.0.0.1:{port}/cam", pin
    finally:
        stopped(process)


def _certificate() -> tuple[Path, Path]:
    certificate, key = FOLDER / "feeder.pem", FOLDER / "feeder-key.pem"
    if not certificate.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
            + ["-subj", "/CN=feeder", "-keyout", str(key), "-out", str(certificate)],
            check=True,
            capture_output=True,
        )
    return certificate, key


def camward(cameras: int, *, tls: bool = False) -> Recording:
    """Our recorder, one process; as it is run, with its pages and its flushes."""
    state = FOLDER / "recorder"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    with feeder(tls=tls) as (url, pin):
        entries = [
            f'[cameras.entries.cam{number:02}]\nname = "Bench {number:02}"\nurl = "{url}"\n'
            + (f'pin = "{pin}"\n' if pin else "")
            for number in range(cameras)
        ]
        (state / "settings.toml").write_text("\n".join(entries))
        command = [sys.executable, "-m", "camward.cli", "recorder", "run", "--state", str(state)]
        process = subprocess.Popen([*command, "--https", f"127.0.0.1:{free_port()}"], stderr=subprocess.DEVNULL)
        try:
            return _observe([process.pid], cameras, state / "recordings")
        finally:
            stopped(process)
            shutil.rmtree(state, ignore_errors=True)


def ffmpeg(cameras: int) -> Recording:
    """The peer: `ffmpeg -c copy -f segment`, one process per camera, without flushes."""
    folder = FOLDER / "ffmpeg"
    shutil.rmtree(folder, ignore_errors=True)
    with feeder() as (url, _):
        processes = []
        for number in range(cameras):
            (folder / str(number)).mkdir(parents=True)
            processes.append(
                subprocess.Popen(
                    ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
                    + ["-c", "copy", "-an", "-f", "segment", "-segment_time", "10", "-segment_format", "mp4"]
                    + ["-reset_timestamps", "1", str(folder / str(number) / "%06d.mp4")]
                )
            )
        try:
            return _observe([process.pid for process in processes], cameras, folder)
        finally:
            for process in processes:
                stopped(process)
            shutil.rmtree(folder, ignore_errors=True)


def _observe(pids: list[int], cameras: int, folder: Path) -> Recording:
    time.sleep(SETTLE)
    before = _size(folder)
    cost: Cost = measure(pids, WINDOW)
    stored = (_size(folder) - before) / cost.wall
    per = max(1, cameras)
    return Recording(cameras, cost.cpu / cost.wall / per * 1000, cost.pss / 1e6, stored / per)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.mp4"))
