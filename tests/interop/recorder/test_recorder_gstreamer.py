"""Our recorder records from gst-rtsp-server: by TCP, UDP and TLS, with Digest; every picture and sound bit for bit."""

import asyncio
import contextlib
import hashlib
import json
import ssl
import subprocess
from pathlib import Path

import pytest

from camward.base.clock import NS, SystemClock
from camward.base.fanout import FanOut
from camward.base.secret import Secret
from camward.base.setting import SettingsSection
from camward.base.settings_store import SettingsStore
from camward.media.mp4.reader import Mp4File
from camward.recorder import CameraEntry, CamerasSettings, ProbeError, ProbeStep, Recorder, RecordingSettings, check

USER, PASSWORD = "viewer", Secret("violin orchard")
CLIP = "cup-with-audio.mp4"
"""8 s of H.264 and AAC, a key picture each 1.1 s."""


class Tree(SettingsSection):
    recording: RecordingSettings = RecordingSettings()
    cameras: CamerasSettings = CamerasSettings()


@pytest.fixture
def server(footage):
    """`async with server(pem) as port`: a GStreamer camera."""

    @contextlib.asynccontextmanager
    async def start(pem: str = ""):
        script = Path(__file__).with_name("gst_site.py")
        words = ["/usr/bin/python3", str(script), str(footage / CLIP), USER, PASSWORD.reveal(), pem]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(20):
                yield int(await process.stdout.readline())
        finally:
            process.kill()
            await process.communicate()

    return start


@pytest.fixture
def recorder(tmp_path):
    """`async with recorder() as one`: a running recorder of `tmp_path`."""

    @contextlib.asynccontextmanager
    async def start():
        clock = SystemClock()
        store = SettingsStore(Tree, tmp_path / "settings.toml", clock=clock, journal=lambda _: None)
        one = Recorder(tmp_path, settings=store, clock=clock, events=FanOut(), recorder_id="R1")
        task = asyncio.create_task(one.run())
        try:
            async with asyncio.timeout(10):
                await one.started.wait()
            yield one
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return start


def entry(port: int, *, scheme: str = "rtsp", **more: str) -> CameraEntry:
    return CameraEntry(name="Cup", url=f"{scheme}://127.0.0.1:{port}/cam", username=USER, **more)


async def recorded(one: Recorder, camera: str, root: Path) -> list[Path]:
    """Until 3 s of it are on the disk."""
    async with asyncio.timeout(30):
        while not (known := one.status(camera).streams) or known[0].recorded_until is None:
            await asyncio.sleep(0.05)
        begin = known[0].recorded_until
        while one.status(camera).streams[0].recorded_until < begin + 3 * NS:
            await asyncio.sleep(0.05)
    return sorted(root.rglob("*.mp4"))


def packets(path: Path, kind: str) -> list[str]:
    """The hash of each packet of a kind, by ffprobe."""
    command = ["ffprobe", "-v", "error", "-select_streams", kind[0], "-show_packets", "-show_data_hash", "sha256"]
    done = subprocess.run([*command, "-of", "json", str(path)], capture_output=True, text=True, check=True, timeout=50)
    assert done.stderr == ""
    return [packet["data_hash"] for packet in json.loads(done.stdout)["packets"]]


def frames(path: Path) -> list[str]:
    """The hash of each decoded picture."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert done.stderr == ""
    return [line.rsplit(",", 1)[1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]


def is_run_of(part: list[str], whole: list[str]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def tls_of(folder: Path, throwaway_ca) -> tuple[str, str]:
    """A PEM file for the server, and the pin of its certificate."""
    made = throwaway_ca.issue_cert("127.0.0.1")
    path = folder / "camera.pem"
    path.write_bytes(made.private_key_and_cert_chain_pem.bytes())
    der = ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())
    return str(path), hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("way", ["tcp", "udp", "tls"])
async def test_it_is_recorded_bit_for_bit(way, server, recorder, tmp_path, footage, throwaway_ca):
    pem, pin = tls_of(tmp_path, throwaway_ca) if way == "tls" else ("", None)
    async with server(pem) as port, recorder() as one:
        how = {"scheme": "rtsps", "pin": pin} if way == "tls" else {"transport": way}
        camera = await one.add_camera(entry(port, **how), PASSWORD, who="anna")
        files = await recorded(one, camera, tmp_path / "recordings")
    assert check(tmp_path).ok
    source = footage / CLIP
    for path in files:
        pictures, sounds = frames(path), packets(path, "audio")
        assert len(pictures) >= 75 and is_run_of(pictures, frames(source))
        assert len(sounds) >= 100 and is_run_of(sounds, packets(source, "audio"))
        assert {track.handler for track in Mp4File.scan(path.read_bytes()).tracks} == {"vide", "soun"}
    assert len(files) == 1


async def test_a_wrong_password_and_another_certificate_are_named(server, recorder, tmp_path, throwaway_ca):
    pem, pin = tls_of(tmp_path, throwaway_ca)
    async with server(pem) as port, recorder() as one:
        with pytest.raises(ProbeError) as refused:
            await one.add_camera(entry(port, scheme="rtsps", pin=pin), Secret("wrong"), who="anna")
        assert refused.value.step is ProbeStep.SIGN_IN
        with pytest.raises(ProbeError) as other:
            await one.add_camera(entry(port, scheme="rtsps", pin="00" * 32), PASSWORD, who="anna")
        assert other.value.step is ProbeStep.CERTIFICATE
        assert one.cameras.list() == {}
