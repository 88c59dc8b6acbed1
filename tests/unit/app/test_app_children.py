"""Child processes of the demo: restarted when they crash, stopped in time, and nothing of them is left."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from camward.app.demo import children
from camward.app.demo.children import Child

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = os.fork()
if pid:
    print(os.getpid(), pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return False
    return state != "Z"


async def gone(pids: list[int]) -> None:
    async with asyncio.timeout(10):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.02)


async def lines_of(log: Path, count: int) -> list[str]:
    async with asyncio.timeout(10):
        while not log.exists() or len(log.read_text().splitlines()) < count:
            await asyncio.sleep(0.02)
    return log.read_text().splitlines()


async def test_a_crash_is_told_and_the_child_starts_again(tmp_path: Path) -> None:
    said: list[str] = []
    command = [sys.executable, "-c", "import sys; print('the disk is on fire'); sys.exit(3)"]
    child = Child("camera1", command, log=tmp_path / "log", say=said.append)
    task = asyncio.create_task(child.run())
    await lines_of(tmp_path / "log", 2)
    task.cancel()
    await asyncio.wait({task})
    assert "camera1 ended (exit code 3)" in said[0]
    assert "the disk is on fire" in said[0]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


async def test_stopping_asks_first(tmp_path: Path) -> None:
    program = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
    program += "print('up', flush=True)\nsignal.sigwait({signal.SIGTERM})\nprint('bye', flush=True)\n"
    said: list[str] = []
    child = Child("camera1", [sys.executable, "-c", program], log=tmp_path / "log", say=said.append)
    task = asyncio.create_task(child.run())
    await lines_of(tmp_path / "log", 1)
    task.cancel()
    await asyncio.wait({task})
    assert (tmp_path / "log").read_text().splitlines() == ["up", "bye"]
    assert said == []


async def test_what_does_not_stop_is_killed_with_all_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "STOP_SECONDS", 0.3)
    child = Child("camera1", [sys.executable, "-c", STUBBORN], log=tmp_path / "log", say=lambda _: None)
    task = asyncio.create_task(child.run())
    pids = [int(word) for word in (await lines_of(tmp_path / "log", 1))[0].split()]
    assert all(alive(pid) for pid in pids)
    task.cancel()
    await asyncio.wait({task})
    await gone(pids)


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """kill -9 of the demo: the pipe to a child's standard input ends, and a device that is tied to it stops."""
    parent = f"""
import asyncio, sys
from pathlib import Path
from camward.app.demo.children import Child
tied = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read(); print('end', flush=True)"
asyncio.run(Child("c", [sys.executable, "-c", tied], log=Path({str(tmp_path / "log")!r}), say=print).run())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", parent)
    pid = int((await lines_of(tmp_path / "log", 1))[0])
    assert alive(pid)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert (await lines_of(tmp_path / "log", 2))[1] == "end"
    await gone([pid])


async def test_a_large_log_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_KEPT", 10)
    log = tmp_path / "camera1.log"
    log.write_text("old and long enough\n")
    child = Child("camera1", [sys.executable, "-c", "print('new')"], log=log, say=lambda _: None)
    task = asyncio.create_task(child.run())
    await asyncio.sleep(0)
    await lines_of(log, 1)
    task.cancel()
    await asyncio.wait({task})
    assert "old and long" in (tmp_path / "camera1.log.1").read_text()
