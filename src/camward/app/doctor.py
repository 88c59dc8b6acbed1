"""Self-diagnosis: what a machine needs to run Camward, each looked at and said in one line."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import socket
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Literal

from camward.base.clock import NS, Clock

OLDEST_PYTHON = (3, 11)
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock of a machine that runs this can be right and before this."""
PACKAGES = {
    "aiohttp": "aiohttp", "argon2-cffi": "argon2", "av": "av", "cryptography": "cryptography", "fastapi": "fastapi",
    "httptools": "httptools", "jinja2": "jinja2", "pillow": "PIL", "pydantic": "pydantic", "rich": "rich",
    "structlog": "structlog", "tomlkit": "tomlkit", "typer": "typer", "uvicorn": "uvicorn", "uvloop": "uvloop",
    "websockets": "websockets",
}  # fmt: skip
WANTED_CODECS: tuple[tuple[str, Literal["r", "w"]], ...] = (
    ("h264", "r"), ("hevc", "r"), ("aac", "r"), ("mjpeg", "r"), ("libx264", "w"), ("aac", "w"), ("mjpeg", "w"),
)  # fmt: skip
SPACE_LITTLE, SPACE_NONE = 20 * 10**9, 10**9
"""Bytes: a camera at 4 Mbit/s fills 43 GB a day."""
FLUSH_SLOW = 0.05
"""Seconds for a durable flush; each camera makes one every two seconds."""
FLUSHES = 8


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis.

    Args:
        name: what was looked at.
        outcome: how it is.
        text: what was found.
        next: what to do; empty when nothing.
    """

    name: str
    outcome: Outcome
    text: str
    next: str = ""


def diagnose(state: Path | None, *, ports: list[int], clock: Clock) -> Iterator[Finding]:
    """Look at everything.

    Args:
        state: folder where a device keeps, or shall keep, its state; None leaves the disk out.
        ports: those that shall be free.
        clock: the machine's.
    """
    yield _python()
    yield _packages()
    yield _codecs()
    yield _clock(clock)
    yield _capture()
    for port in ports:
        yield _port(port)
    if state is not None:
        while not state.exists() and state != state.parent:
            state = state.parent  # a new state: the disk that it will lie on
        yield _permissions(state)
        yield _space(state)
        yield _flush(state, clock)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("Python", Outcome.FAIL, f"{version} is too old", "Use Python 3.11 or later")
    return Finding("Python", Outcome.OK, version)


def _packages() -> Finding:
    missing = []
    for name, module in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            missing.append(f"{name} ({error})")
    if missing:
        return Finding("packages", Outcome.FAIL, f"can't be loaded: {', '.join(missing)}", "Run: make setup")
    return Finding("packages", Outcome.OK, f"{len(PACKAGES)} load")


def _codecs() -> Finding:
    try:
        import av
        from av.codec import Codec
    except ImportError as error:
        return Finding("codecs", Outcome.FAIL, f"PyAV can't be loaded: {error}", "Run: make setup")
    missing = []
    for name, mode in WANTED_CODECS:
        try:
            Codec(name, mode)
        except ValueError:
            missing.append(name)
    version = metadata.version("av")
    if missing:
        return Finding("codecs", Outcome.FAIL, f"PyAV {version} lacks {', '.join(missing)}", "Run: make setup")
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    return Finding("codecs", Outcome.OK, f"PyAV {version}, libavcodec {libavcodec}")


def _clock(clock: Clock) -> Finding:
    now = datetime.fromtimestamp(clock.utc() // NS, tz=UTC)
    if now < BUILT:
        return Finding("clock", Outcome.FAIL, f"{now:%Y-%m-%d %H:%MZ} is in the past", "Set the clock, or use NTP")
    return Finding("clock", Outcome.OK, f"{now:%Y-%m-%d %H:%M:%SZ}")


def _capture() -> Finding:
    found = sorted(Path("/dev").glob("video*"))
    closed = [str(path) for path in found if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        hint = "Add this user to the group video"
        return Finding("capture devices", Outcome.WARN, f"not permitted: {', '.join(closed)}", hint)
    text = ", ".join(map(str, found)) or "none; files, test scenes and network cameras work without"
    return Finding("capture devices", Outcome.OK, text)


def _port(port: int) -> Finding:
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 (what devices bind)
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((host, port))
        except OSError as error:
            if family == socket.AF_INET6 and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                continue
            hint = "Stop the program that has it, or choose another port"
            if error.errno == errno.EACCES:
                hint = "Ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one"
            return Finding(f"port {port}", Outcome.FAIL, error.strerror or str(error), hint)
    return Finding(f"port {port}", Outcome.OK, "free")


def _permissions(state: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=state):
            pass
        for folder in [state / name for name in ("secrets", "run", "journal") if (state / name).is_dir()]:
            if folder.stat().st_mode & 0o077:
                return Finding("state", Outcome.FAIL, f"others can enter {folder}", f"Run: chmod 700 {folder}")
    except OSError as error:
        return Finding("state", Outcome.FAIL, f"{state}: {error.strerror}", "Choose another --state, or its owner")
    return Finding("state", Outcome.OK, f"{state} can be written, secrets are the owner's alone")


def _space(state: Path) -> Finding:
    try:
        free = shutil.disk_usage(state).free
    except OSError as error:
        return Finding("disk space", Outcome.FAIL, f"{state}: {error.strerror}")
    text = f"{free / 1e9:.1f} GB free"
    if free < SPACE_NONE:
        return Finding("disk space", Outcome.FAIL, text, "Make room, or choose another disk")
    if free < SPACE_LITTLE:
        return Finding("disk space", Outcome.WARN, f"{text}: half a day of one camera", "Choose a larger disk")
    return Finding("disk space", Outcome.OK, text)


def _flush(state: Path, clock: Clock) -> Finding:
    took = []
    try:
        with tempfile.TemporaryFile(dir=state) as file:
            for _ in range(FLUSHES):
                file.write(bytes(1 << 20))
                file.flush()
                start = clock.monotonic()
                os.fdatasync(file.fileno())
                took.append(clock.monotonic() - start)
    except OSError as error:
        return Finding("disk flush", Outcome.FAIL, f"{state}: {error.strerror}")
    middle = statistics.median(took)
    text = f"{middle * 1e3:.1f} ms for 1 MB"
    if middle > FLUSH_SLOW:
        return Finding("disk flush", Outcome.WARN, text, "A faster disk carries more cameras")
    return Finding("disk flush", Outcome.OK, text)
