"""The demo: one command makes a whole site that records real video; Ctrl-C ends all of it; again it just goes on."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(180)


def demo_port(devices: Any) -> int:
    """A port with room above it for two cameras."""
    for port in devices.free_ports(50):
        wanted = [port, *(port + 10 * camera + offset for camera in (1, 2) for offset in (0, 1))]
        if max(wanted) < 65536 and all(is_free(number) for number in wanted):
            return port
    raise AssertionError("no ports")


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("", port))
        except OSError:
            return False
    return True


def recorded(folder: Path) -> list[Path]:
    return sorted((folder / "recorder" / "recordings").glob("*/*/*/*.mp4"))


def fetch(url: str, root: Path) -> int:
    """With nothing but the site's root trusted, as a browser that was told of it."""
    context = ssl.create_default_context(cafile=str(root))
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:  # the test's own address
        return answer.status


def probe(file: Path) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(file)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]


def ready(devices: Any, log: str, process: Any) -> dict[str, Any]:
    def printed() -> dict[str, Any] | None:
        assert process.poll() is None, devices.text(log) + devices.text(log, "out")
        text = devices.text(log, "out")
        return json.loads(text) if text.rstrip().endswith("}") else None

    found = devices.wait("the demo is up", printed, seconds=60)
    assert found["schema"] == "camward/demo/1"
    return {item["name"]: item for item in found["devices"]} | {"root": Path(found["root"])}


def test_a_whole_site_in_one_command(devices: Any) -> None:
    site, port = devices.folder / "site", demo_port(devices)
    password = devices.folder / "password"
    password.write_text("orchard violin quiet harbour\n")
    password.chmod(0o600)
    words = ("demo", "--state", site, "--port", port, "--cameras", 2, "--admin-password-file", password, "--json")
    process = devices.start(*words)
    told = ready(devices, "log", process)
    assert told["recorder"]["url"].endswith(f":{port}/")
    assert all(told[name]["claim_code"] == "" for name in ("recorder", "camera1", "camera2"))
    assert fetch(f"https://localhost:{port}/healthz", told["root"]) == 200
    assert fetch(f"https://127.0.0.1:{port + 10}/healthz", told["root"]) == 200
    cameras = devices.json("recorder", "list", "--state", site / "recorder")["cameras"]
    assert len(cameras) == 2
    assert all(len(item["pin"]) == 64 for item in cameras)

    def both_record() -> bool:
        states = devices.json("recorder", "status", "--state", site / "recorder")["cameras"]
        return [item["state"] for item in states] == ["recording", "recording"]

    devices.wait("both cameras are recorded", both_record)
    files = devices.wait("a file of each camera", lambda: len(recorded(site)) >= 2 and recorded(site))
    before = {file: file.stat().st_size for file in files}
    devices.wait("the files grow", lambda: all(file.stat().st_size > before[file] + 50_000 for file in files))
    kinds = [sorted(stream["codec_type"] for stream in probe(file)) for file in files]
    assert sorted(kinds) == [["audio", "video"], ["video"]]
    code, seconds = devices.stop(process, signal.SIGINT)
    assert code == 0
    assert seconds < 6
    assert devices.left() == []
    said = devices.text("log")
    assert "orchard" not in said + devices.text("log", "out")
    for log in site.glob("*.log"):
        assert "orchard" not in log.read_text()
        assert '"level": "error"' not in log.read_text(), log.read_text()

    again = devices.start(*words, log="again")
    second = ready(devices, "again", again)
    assert {name: second[name]["words"] for name in ("recorder", "camera1")} == {
        name: told[name]["words"] for name in ("recorder", "camera1")
    }
    devices.wait("both cameras are recorded again", both_record)
    assert devices.run(*words).returncode == 1  # it runs already, and says so
    again.send_signal(signal.SIGKILL)
    again.wait()
    devices.wait("no orphan is left", lambda: not devices.left(), seconds=10)


def test_first_access_left_to_people(devices: Any) -> None:
    """Without a password the recorder shows and records the camera already; only its administrator is missing."""
    site, port = devices.folder / "site", demo_port(devices)
    process = devices.start("demo", "--state", site, "--port", port)
    out = devices.wait("it says what to do next", lambda: "What to do next" in devices.text("log", "out"), seconds=60)
    assert out
    text = devices.text("log", "out")
    label = devices.json("factory", "label", "--state", site / "recorder")
    assert text.count(str(label["claim_code"])) == 2
    assert str(label["words"]) in text
    assert f":{port}/" in text
    devices.wait("a recording", lambda: recorded(site))
    devices.wait("a process to crash", lambda: len(devices.left()) >= 3)
    assert devices.stop(process, signal.SIGTERM)[0] == 0
    assert devices.left() == []


def test_a_taken_port_is_one_line(devices: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = devices.run("demo", "--state", devices.folder / "site", "--port", taken.getsockname()[1])
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "--port" in done.stderr
    assert not (devices.folder / "site").exists()


def test_a_refused_password_stops_the_demo_with_the_reason(devices: Any) -> None:
    password = devices.folder / "password"
    password.write_text("123456789012")
    password.chmod(0o600)
    site = devices.folder / "site"
    done = devices.run(
        "demo", "--state", site, "--port", demo_port(devices), "--admin-password-file", password, seconds=60
    )
    assert done.returncode == 1
    assert "password" in done.stderr.splitlines()[-1].lower()
    assert "123456789012" not in done.stderr
    assert devices.left() == []
