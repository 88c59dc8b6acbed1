"""Devices as real processes: started by the command, asked by their console and ports, stopped by signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Devices:
    """Starts commands in a folder of their own, and leaves nothing running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def free_ports(self, count: int) -> list[int]:
        """Ports that nobody has now."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            for sock in sockets:
                sock.bind(("127.0.0.1", 0))
            return [sock.getsockname()[1] for sock in sockets]

    def start(self, *words: object, log: str = "log") -> subprocess.Popen[bytes]:
        """A command that runs on; stdout and stderr go to log files."""
        command = [sys.executable, "-m", "camward.cli", *map(str, words)]
        with (self.folder / f"{log}.out").open("wb") as out, (self.folder / f"{log}.err").open("wb") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        self._started.append(process)
        return process

    def run(self, *words: object, stdin: str = "", seconds: float = 30) -> subprocess.CompletedProcess[str]:
        """A command that ends."""
        command = [sys.executable, "-m", "camward.cli", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=seconds, check=False)

    def json(self, *words: object) -> dict[str, object]:
        """What a command prints with `--json`; it must succeed or be partly done."""
        done = self.run(*words, "--json")
        assert done.returncode in (0, 9), done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def text(self, log: str, stream: str = "err") -> str:
        """What a command said."""
        return (self.folder / f"{log}.{stream}").read_text()

    def wait(self, what: str, happened: Callable[[], object], *, seconds: float = 30) -> object:
        """Until something is so; fails with every log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := happened():
                return found
            time.sleep(0.03)
        logs = "\n".join(f"--- {path}\n{path.read_text()[-3000:]}" for path in self.folder.rglob("*.[el][ro][rg]"))
        raise AssertionError(f"not in {seconds} s: {what}\n{logs}")

    def wait_event(self, event: str, *, log: str = "log") -> dict[str, object]:
        """The first line of a device's log with this event."""

        def seen() -> dict[str, object] | None:
            for line in self.text(log).splitlines():
                with contextlib.suppress(ValueError):
                    found = json.loads(line)
                    if isinstance(found, dict) and found.get("event") == event:
                        return found
            return None

        found = self.wait(event, seen)
        assert isinstance(found, dict)
        return found

    def stop(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Stop it; its exit code, and how long that took."""
        start = time.monotonic()
        process.send_signal(number)
        return process.wait(10), time.monotonic() - start

    def left(self) -> list[str]:
        """Command lines of all processes that work in or for the folder."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    line = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
                    if str(self.folder) in line:
                        found.append(line)
        return found

    def kill_all(self) -> None:
        """What a failed test left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    """See `Devices`."""
    devices = Devices(tmp_path)
    try:
        yield devices
    finally:
        devices.kill_all()
