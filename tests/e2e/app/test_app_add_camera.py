"""Adding cameras from the command line: by claim code and by client secret, never without a confirmed fingerprint."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from camward.access import Device, Scope
from camward.app.device import open_ground
from camward.app.settings import CameraSettings
from camward.trust.keys import load_or_create_key

pytestmark = pytest.mark.timeout(120)


async def _client_secret(state: Path) -> str:
    with open_ground(state, Device.CAMERA, CameraSettings) as ground:
        return (await ground.access.clients.add("nvr", Scope.STREAMS, by="test")).reveal()


def test_by_claim_code_and_by_client_secret(devices: Any) -> None:
    camera, recorder = devices.folder / "camera", devices.folder / "recorder"
    secret = asyncio.run(_client_secret(camera))
    owner = devices.folder / "owner-key.pem"
    load_or_create_key(owner)
    one = devices.start(
        "camera", "run", "--state", camera, "--source", "test:", "--https", "127.0.0.1:0", "--rtsp", "127.0.0.1:0",
        log="camera",
    )  # fmt: skip
    two = devices.start("recorder", "run", "--state", recorder, "--https", "127.0.0.1:0", log="recorder")
    ports = devices.wait_event("camera_ready", log="camera")
    devices.wait_event("stream_format", log="camera")
    devices.wait_event("recorder_ready", log="recorder")
    label = devices.json("camera", "claim-code", "--state", camera)
    address, words = f"https://127.0.0.1:{ports['https']}", str(label["words"])
    add = ("recorder", "add-camera", address, "--state", recorder, "--owner-key", owner, "--claim-code-file", "-")

    unasked = devices.run(*add, stdin=str(label["claim_code"]))
    assert (unasked.returncode, unasked.stdout) == (1, "")
    assert words in unasked.stderr
    other = devices.run(*add, "--fingerprint", "lusab-babad-gutih-tugad-mudof-sakat", stdin=str(label["claim_code"]))
    assert (other.returncode, other.stdout) == (5, "")
    wrong = devices.run(*add, "--fingerprint", words, stdin="0000-0000-0000-0000")
    assert (wrong.returncode, wrong.stdout) == (5, "")
    assert devices.json("recorder", "list", "--state", recorder)["cameras"] == []

    spoken = words.upper().replace("-", " ")
    right = devices.run(*add, "--name", "Gate", "--fingerprint", spoken, "--json", stdin=str(label["claim_code"]))
    assert right.returncode == 0, right.stderr
    added = json.loads(right.stdout)
    assert (added["schema"], added["name"]) == ("camward/recorder-add-camera/1", "Gate")

    stream = f"rtsps://127.0.0.1:{ports['rtsp']}/stream1"
    signed = ("recorder", "add-camera", stream, "--state", recorder, "--username", "nvr", "--fingerprint", words)
    refused = devices.run(*signed, "--secret-file", "-", stdin="not the secret")
    assert (refused.returncode, refused.stdout) == (5, "")
    accepted = devices.run(*signed, "--secret-file", "-", "--name", "Gate again", stdin=secret)
    assert accepted.returncode == 0, accepted.stderr

    listed = devices.json("recorder", "list", "--state", recorder)["cameras"]
    assert [(item["name"], item["pin"] == added["fingerprint"]) for item in listed] == [
        ("Gate", True),
        ("Gate again", True),
    ]

    def both_record() -> bool:
        states = devices.json("recorder", "status", "--state", recorder)["cameras"]
        return [item["state"] for item in states] == ["recording", "recording"]

    devices.wait("both are recorded", both_record)
    devices.wait("files", lambda: len(list((recorder / "recordings").rglob("*.mp4"))) == 2)
    said = "".join(devices.text(log) for log in ("camera", "recorder"))
    assert secret not in said
    assert str(label["claim_code"]) not in said

    nobody = devices.run("recorder", "add-camera", "rtsps://127.0.0.1:9/x", "--state", recorder, "--fingerprint", words)
    assert (nobody.returncode, nobody.stdout) == (4, "")
    busy = devices.run("recorder", "reindex", "--state", recorder)
    assert (busy.returncode, busy.stdout) == (1, "")
    assert devices.stop(two)[0] == 0
    assert devices.stop(one, signal.SIGINT)[0] == 0
    rebuilt = devices.json("recorder", "reindex", "--state", recorder)
    assert rebuilt["files"] == 2
    assert devices.left() == []
