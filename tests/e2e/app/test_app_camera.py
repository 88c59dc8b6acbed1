"""A camera as a process: starts, streams, follows its settings, survives a broken file, stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from camward.access import Device, Scope
from camward.app.device import open_ground
from camward.app.settings import CameraSettings

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def camera(devices: Any) -> Path:
    """The state of a camera, with a client secret in `client`."""
    state: Path = devices.folder / "camera"

    async def make() -> str:
        with open_ground(state, Device.CAMERA, CameraSettings) as ground:
            return (await ground.access.clients.add("player", Scope.STREAMS, by="test")).reveal()

    (devices.folder / "client").write_text(asyncio.run(make()))
    return state


def first_picture(devices: Any, port: int, scheme: str = "rtsps") -> dict[str, Any]:
    """What ffprobe, another implementation, gets from the camera."""
    secret = (devices.folder / "client").read_text()
    url = f"{scheme}://player:{secret}@127.0.0.1:{port}/stream1"
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-of", "json", "-show_streams", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_starts_streams_and_stops(devices: Any, camera: Path, footage: Path) -> None:
    https, rtsp = devices.free_ports(2)
    started = time.monotonic()
    process = devices.start(
        "camera", "run", "--state", camera, "--source", f"file:{footage / 'car-park.mp4'}",
        "--https", f"127.0.0.1:{https}", "--rtsp", f"127.0.0.1:{rtsp}",
    )  # fmt: skip
    ready = devices.wait_event("camera_ready")
    assert (ready["https"], ready["rtsp"], ready["claimed"]) == (https, rtsp, False)
    devices.wait_event("stream_format")
    took = time.monotonic() - started
    print(f"camera start to a stream that can be played: {took:.2f} s")
    [stream] = first_picture(devices, rtsp)["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 768, 576)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", https), 5) as plain, context.wrap_socket(plain) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    code, seconds = devices.stop(process)
    assert code == 0
    assert seconds < 4
    assert devices.left() == []
    assert '"level": "error"' not in devices.text("log")


def test_plain_rtsp_and_ports_follow_the_settings(devices: Any, camera: Path) -> None:
    https, rtsp, other = devices.free_ports(3)
    places = (f"network.https.port={https}", f"network.rtsp.port={rtsp}", "network.rtsp.address=127.0.0.1")
    assert devices.run("settings", "set", *places, "--state", camera).returncode == 0
    process = devices.start("camera", "run", "--state", camera, "--source", "test:")
    devices.wait_event("stream_format")
    assert first_picture(devices, rtsp)
    assert not first_picture(devices, rtsp, "rtsp")
    assert devices.run("settings", "set", "network.rtsp.plain=on", "--state", camera).returncode == 0
    assert first_picture(devices, rtsp, "rtsp")
    assert devices.run("settings", "set", f"network.rtsp.port={other}", "--state", camera).returncode == 0
    devices.wait("the new port answers", lambda: is_open(other))
    assert first_picture(devices, other)
    assert not is_open(rtsp)
    assert is_open(https)
    assert devices.stop(process, signal.SIGINT)[0] == 0


def test_a_port_in_use_is_one_line(devices: Any, camera: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = devices.run(
            "camera", "run", "--state", camera, "--source", "test:",
            "--https", f"127.0.0.1:{port}", "--rtsp", "127.0.0.1:0",
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1
    assert str(port) in said[0]
    assert "another port" in said[0]


def test_a_broken_file_runs_on_the_last_good_settings(devices: Any, camera: Path) -> None:
    assert devices.run("settings", "set", "device.name=Gate", "--state", camera).returncode == 0
    (camera / "settings.toml").write_text('[device]\nname = "Yard"\n[netwrok]\n')
    process = devices.start(
        "camera", "run", "--state", camera, "--source", "test:", "--https", "127.0.0.1:0", "--rtsp", "127.0.0.1:0"
    )
    devices.wait_event("camera_ready")
    from camward.app.console import ask

    about = ask(camera, "about")
    assert isinstance(about, dict)
    assert about["settings_problem"]["line"] == 3
    assert "network" in str(about["settings_problem"])
    assert devices.run("settings", "set", "device.location=Roof", "--state", camera).returncode == 0
    about = ask(camera, "about")
    assert isinstance(about, dict)
    assert about["settings_problem"] is None
    assert devices.json("settings", "get", "device.name", "--state", camera)["value"] == "Gate"
    devices.stop(process)


@pytest.mark.parametrize(("source", "exit_code"), [("nonsense", 3), ("ftp://host/x", 3), ("", 3)])
def test_a_source_that_is_none(devices: Any, camera: Path, source: str, exit_code: int) -> None:
    done = devices.run("camera", "run", "--state", camera, "--source", source, "--https", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert len([line for line in done.stderr.splitlines() if not line.startswith("{")]) == 1
