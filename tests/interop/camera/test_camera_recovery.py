"""Workers that die or lie, files that vanish, end, change or are no video: the camera says so and comes back."""

import asyncio
import os
import shutil
import signal
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from camward.base.events import EventKind
from camward.camera.worker.landlock import landlock_version
from camward.camera.worker_process import WorkerLimits
from camward.media.unit import VIDEO_CLOCK, Flags, Track

from .conftest import decode

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size={size}:rate=25:duration=1")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p")


@pytest.fixture
def small(clip):
    return clip("small.mp4", *(part.format(size="160x120") for part in PICTURE), *X264)


@pytest.fixture
def large(clip):
    return clip("large.mp4", *(part.format(size="320x240") for part in PICTURE), *X264)


def kinds(running):
    return [event.kind for event in running.events]


async def test_a_killed_worker_is_a_gap_and_nothing_else(camera, footage):
    async with camera(footage / "cup-with-audio.mp4") as running:
        reader = running.reader()
        stream = running.media.streams["stream1"]
        before = await running.take(reader, pictures=20)
        form = stream.format
        for _ in range(2):
            pid = running.media.status.worker_pid
            os.kill(pid, signal.SIGKILL)
            units = await running.take(reader, pictures=15)
            fresh = [unit for unit in units if unit.flags & Flags.DISCONTINUITY and unit.track is Track.VIDEO]
            assert len(fresh) == 1 and fresh[0].key
            before += units
            assert running.media.status.worker_pid != pid
            assert not Path(f"/proc/{pid}").exists()
        assert stream.format is form and stream.no_signal is None
        assert running.media.status.worker_restarts == 2
        assert kinds(running) == []
    for track, rate in ((Track.VIDEO, VIDEO_CLOCK), (Track.AUDIO, 48_000)):
        units = [unit for unit in before if unit.track is track]
        steps = [b.ticks - a.ticks for a, b in pairwise(units)]
        assert all(0 < step < 5 * rate for step in steps)
        # Ticks tell how long the gap was: they stay in step with the wall clock.
        offsets = [unit.utc / 1e9 - unit.ticks / rate for unit in units]
        assert max(offsets) - min(offsets) < 0.05


async def test_the_worker_is_confined_where_the_kernel_can(camera, small):
    async with camera(small) as running:
        await running.take(running.reader(), pictures=30)
        await running.until(lambda: running.media.status.confined == (landlock_version() > 0))


async def test_stream_2_comes_back_too(camera, footage):
    async with camera(footage / "car-park.mp4") as running:
        reader = running.reader("stream2")
        await running.take(reader, pictures=3)
        os.kill(running.media.status.worker_pid, signal.SIGKILL)
        units = await running.take(reader, pictures=8)
        assert any(unit.key and unit.flags & Flags.DISCONTINUITY for unit in units)


async def test_a_frozen_worker_is_ended(camera, small):
    async with camera(small, limits=WorkerLimits(silence=2.0)) as running:
        reader = running.reader()
        await running.take(reader, pictures=3)
        pid = running.media.status.worker_pid
        os.kill(pid, signal.SIGSTOP)
        await running.until(lambda: running.media.status.worker_pid not in (0, pid))
        units = await running.take(reader, pictures=60)
        assert any(unit.flags & Flags.DISCONTINUITY for unit in units)


async def test_the_worker_ends_with_the_front(small):
    code = f"""
    import asyncio
    from camward.base.clock import SystemClock
    from camward.base.fanout import FanOut
    from camward.camera.media import CameraMedia
    from camward.camera.settings import MediaSettings
    async def main():
        media = CameraMedia("file:{small}", settings=MediaSettings, clock=SystemClock(), events=FanOut())
        task = asyncio.create_task(media.run())
        while media.streams["stream1"].last is None:
            await asyncio.sleep(0.02)
        print(media.status.worker_pid, flush=True)
        await asyncio.sleep(60)
    asyncio.run(main())
    """
    front = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    pid = 0
    while not pid:
        line = (await asyncio.wait_for(front.stdout.readline(), 10)).strip()
        pid = int(line) if line.isdigit() else 0
    environment = Path(f"/proc/{pid}/environ").read_bytes() if os.access(f"/proc/{pid}/environ", os.R_OK) else b""
    assert b"HOME" not in environment
    status = Path(f"/proc/{pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Max core file size        0" in Path(f"/proc/{pid}/limits").read_text()
    front.kill()
    await front.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("the worker outlived the front")
    front._transport.close()


async def test_a_file_that_vanishes_and_returns(camera, small, tmp_path):
    path = tmp_path / "source.mp4"
    async with camera(path) as running:
        stream = running.media.streams["stream1"]
        await running.until(lambda: stream.no_signal.reason == f"There is no file {path}")
        assert stream.no_signal.since > 0
        shutil.copy(small, path)
        reader = running.reader()
        await running.take(reader, pictures=3)
        assert running.signal()
        path.unlink()
        await running.until(lambda: not running.signal())
        await running.until(lambda: not running.signal("stream2"))
        path.write_bytes(b"this is no video" * 1000)
        await running.until(lambda: "can't be" in stream.no_signal.reason)
        shutil.copy(small, tmp_path / "next")
        os.replace(tmp_path / "next", path)
        await running.until(running.signal)
        units = await running.take(reader, pictures=30)
        assert any(unit.flags & Flags.DISCONTINUITY for unit in units)
        ticks = [unit.ticks for unit in units]
        assert ticks == sorted(set(ticks))
        assert running.media.status.worker_restarts == 0
    assert kinds(running)[0] == EventKind.SIGNAL_LOST
    assert kinds(running).count(EventKind.SIGNAL_BACK) == 2
    assert running.events[0].alarm and str(path) in running.events[0].text


@pytest.mark.parametrize(
    ("source", "reason"),
    [("v4l2:/dev/video97", "There is no device /dev/video97"), ("rtsp://127.0.0.1:1/x", "can't be reached")],
)
async def test_what_is_not_there_is_said(camera, source, reason):
    async with camera(source) as running:
        stream = running.media.streams["stream1"]
        await running.until(lambda: reason in stream.no_signal.reason)
    assert kinds(running) == [EventKind.SIGNAL_LOST]


async def test_another_resolution_is_another_form(camera, small, large, tmp_path):
    path = tmp_path / "source.mp4"
    shutil.copy(small, path)
    async with camera(path) as running:
        reader, stream = running.reader(), running.media.streams["stream1"]
        before = await running.take(reader, pictures=3)
        shutil.copy(large, tmp_path / "next")
        os.replace(tmp_path / "next", path)
        await running.until(lambda: stream.format.video.width == 320 and stream.no_signal is None)
        units = await running.take(running.reader(), pictures=3)
        assert decode(units)[0].width == 320
        assert units[0].ticks > before[-1].ticks
        await running.until(lambda: running.media.streams["stream2"].format.video.width == 320)
    assert kinds(running) == [EventKind.SIGNAL_LOST, EventKind.SIGNAL_BACK]
    assert "another form" in running.events[0].text


async def test_a_source_that_stalls(camera, tmp_path, small):
    """A pipe that nobody writes to any more: the reader hangs in the system, as a dead device would."""
    pipe = tmp_path / "pipe.ts"
    os.mkfifo(pipe)
    feeder = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(small), "-c", "copy", "-y"),
        *("-f", "mpegts", str(pipe)),
    )
    async with camera(pipe) as running:
        try:
            await running.take(running.reader(), pictures=5)
            feeder.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            await running.until(lambda: not running.signal())
            assert 3 < time.monotonic() - began < 9
            assert "no picture" in running.media.streams["stream1"].no_signal.reason
            feeder.send_signal(signal.SIGCONT)
            await running.until(running.signal)
            await running.take(running.reader(), pictures=5)
        finally:
            feeder.kill()
            await feeder.wait()


HOSTILE = {
    "noise": "import os; s.sendall(os.urandom(100_000))",
    "huge": "s.sendall(b'\\xff' * 8)",
    "units-before-format": "s.sendall(bytes.fromhex('0000001a02010001') + bytes(16) + bytes.fromhex('0000000265b8'))",
    "silent": "s.recv(1); import time; time.sleep(0.2)",
    "closes": "s.close(); import time; time.sleep(0.3)",
    "trickle": "s.sendall(b'\\x00\\x00'); import time; time.sleep(0.3)",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_worker_gets_nowhere(camera, small, tmp_path, name):
    """The second worker is an honest one: everything works as if nothing had been."""
    script = tmp_path / "worker.py"
    script.write_text(
        textwrap.dedent(f"""
        import os, runpy, socket, sys
        mark = {str(tmp_path / "been")!r}
        if os.path.exists(mark):
            runpy.run_module("camward.camera.worker", run_name="__main__", alter_sys=True)
        open(mark, "w").close()
        s = socket.socket(fileno=int(sys.argv[1]))
        {HOSTILE[name]}
        """)
    )
    async with camera(small, command=(sys.executable, "-I", str(script))) as running:
        reader = running.reader()
        await running.take(reader, pictures=3)
        assert running.media.status.worker_restarts >= 1
        assert running.signal()


def test_it_runs_on_uvloop_as_well(camera, small):
    async def main():
        async with camera(small) as running:
            reader = running.reader()
            await running.take(reader, pictures=3)
            os.kill(running.media.status.worker_pid, signal.SIGKILL)
            await running.take(reader, pictures=30)
            assert await running.media.snapshot()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
