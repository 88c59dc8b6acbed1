"""What a process costs, from the kernel's own accounts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads; to the kernel's tick of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def pss_bytes(pid: int) -> int:
    """Proportional set size: memory with shared pages divided among their users."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss line")


def children(pid: int) -> list[int]:
    """A process's children, their children not counted in."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds and wall seconds of a window, memory at its end, and the first process's CPU seconds."""

    cpu: float
    wall: float
    pss: int
    first: float

    @property
    def cores(self) -> float:
        """Share of one core."""
        return self.cpu / self.wall


def measure(pids: list[int], seconds: float) -> Cost:
    """Watch some processes for a while."""
    began, before = time.monotonic(), {pid: cpu_seconds(pid) for pid in pids}
    time.sleep(seconds)
    spent = [cpu_seconds(pid) - before[pid] for pid in pids]
    return Cost(sum(spent), time.monotonic() - began, sum(pss_bytes(pid) for pid in pids), spent[0])


def stopped(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a process we started, politely, then not."""
    if process.stdin is not None:
        process.stdin.close()  # our own helpers end with their input
    else:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
