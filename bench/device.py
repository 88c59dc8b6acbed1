"""A camera of ours to measure: claimed, with one client secret, plain RTSP allowed as for the peer; its own process."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.clip import FOLDER
from bench.process import children, stopped
from camward.access import Access, Device, Scope
from camward.access.settings import AccessSettings
from camward.base.clock import SystemClock
from camward.base.secret import Secret
from camward.journal import Journal
from camward.trust import DeviceIdentity

NAME, PASSWORD = "bench", "Quiet-harbour-41-lantern"
CLIENT = "viewer"


@dataclass(frozen=True, slots=True)
class Running:
    """A device under test.

    Args:
        state: its state folder.
        process: the front.
        https: port of its pages.
        rtsp: port of its streams.
        login_file: "name:secret" of a client.
        began: when it was started, monotonic seconds.
    """

    state: Path
    process: subprocess.Popen[bytes]
    https: int
    rtsp: int
    login_file: Path
    began: float

    @property
    def pids(self) -> list[int]:
        """Front and media worker."""
        return [self.process.pid, *children(self.process.pid)]

    def url(self, stream: str) -> str:
        """Plain RTSP, as the peer's."""
        return f"rtsp://127.0.0.1:{self.rtsp}/{stream}"


@contextlib.contextmanager
def camera(source: str, *, settle: float = 3.0) -> Iterator[Running]:
    """A camera with this source, after it has had time to start."""
    state = FOLDER / "camera"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    (state / "settings.toml").write_text("[network.rtsp]\nplain = true\n")
    login = state / "login"
    login.write_text(f"{CLIENT}:{asyncio.run(claim(state, Device.CAMERA)).reveal()}")
    https, rtsp = free_port(), free_port()
    command = [sys.executable, "-m", "camward.cli", "camera", "run", "--state", str(state), "--source", source]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--https", f"127.0.0.1:{https}", "--rtsp", f"127.0.0.1:{rtsp}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(settle)
        assert process.poll() is None, "the camera has ended"
        yield Running(state, process, https, rtsp, login, began)
    finally:
        stopped(process)
        shutil.rmtree(state, ignore_errors=True)


async def claim(state: Path, device: Device) -> Secret[str]:
    """Make the administrator and a client of a device that isn't running; returns the client's secret."""
    clock = SystemClock()
    identity = DeviceIdentity.load_or_create(state, name="Camward", now=clock.utc(), addresses=("127.0.0.1",))
    journal = Journal(state / "journal", clock)
    try:
        access = Access(
            state,
            device=device,
            clock=clock,
            journal=journal,
            settings=AccessSettings,
            fingerprint=identity.fingerprint,
        )
        code = access.claim.code()
        assert code is not None
        await access.claim.make_administrator(code, NAME, Secret(PASSWORD), address="127.0.0.1")
        secret = await access.clients.add(CLIENT, Scope.STREAMS, by=NAME)
        access.close()
        return secret
    finally:
        journal.close()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
