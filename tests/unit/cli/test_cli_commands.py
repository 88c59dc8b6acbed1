"""The command line: exit codes of the contract, JSON with a schema, data on stdout and all else on stderr."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from camward.cli.main import main


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def json(self, schema: str) -> dict[str, object]:
        data = json.loads(self.out)
        assert data["schema"] == f"camward/{schema}/1"
        return data


@pytest.fixture
def camward(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs a command line in this process, with nobody at the terminal."""

    def run(*words: object, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def factory(camward, tmp_path: Path) -> Path:
    """A factory root with a site CA."""
    assert camward("factory", "init", "--root", tmp_path / "factory").code == 0
    assert camward("factory", "site", "--root", tmp_path / "factory", "--site", tmp_path / "site").code == 0
    return tmp_path


@pytest.fixture
def device(camward, factory: Path) -> Path:
    """The state of a provisioned camera."""
    assert camward("factory", "issue", "--root", factory / "factory", "--state", factory / "camera").code == 0
    return factory / "camera"


def test_the_whole_factory(camward, factory: Path) -> None:
    root, site, state = factory / "factory", factory / "site", factory / "camera"
    issued = camward("factory", "issue", "--root", root, "--state", state, "--json").json("factory-issue")
    again = camward("factory", "issue", "--root", root, "--state", state)
    assert (again.code, again.out) == (3, "")
    assert str(issued["serial"]) in again.err
    tls = camward("factory", "tls", "--site", site, "--state", state, "--address", "cam.example", "--json")
    assert tls.json("factory-tls")["addresses"] == ["cam.example"]
    listed = camward("factory", "list", "--root", root, "--json").json("factory-list")["issued"]
    assert [(item["purpose"], item["serial"]) for item in listed] == [
        ("site", "Camward site"),
        ("identity", issued["serial"]),
        ("signing", issued["serial"]),
    ]
    label = camward("factory", "label", "--state", state, "--svg", factory / "label.svg", "--json").json(
        "factory-label"
    )
    assert label["words"] == issued["words"]
    assert str(label["claim_code"]) in (factory / "label.svg").read_text()
    assert label["claim_code"] == camward("camera", "claim-code", "--state", state).out.strip()
    pem = camward("factory", "root", "--root", root).out
    assert pem == (state / "secrets" / "factory-root.pem").read_text()
    gone = camward("factory", "revoke", issued["serial"], "--root", root, "--yes", "--json").json("factory-revoke")
    assert len(gone["revoked"]) == 2
    assert (root / "revoked.crl.pem").exists()
    assert "revoked" in camward("factory", "list", "--root", root).out


def test_a_revocation_asks_first(camward, device: Path) -> None:
    refused = camward("factory", "revoke", "CW-0000-0000", "--root", device.parent / "factory")
    assert refused.code == 1
    assert "--yes" in refused.err


def test_secrets_come_by_file_or_stdin(camward, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("four plain words here\n")
    secret.chmod(0o644)
    made = camward("factory", "init", "--root", tmp_path / "f", "--passphrase-file", secret)
    assert made.code == 0
    assert "chmod 600" in made.err
    wrong = camward("factory", "issue", "--root", tmp_path / "f", "--state", tmp_path / "c")
    assert (wrong.code, "passphrase" in wrong.err) == (3, True)
    right = camward(
        "factory", "issue", "--root", tmp_path / "f", "--state", tmp_path / "c", "--passphrase-file", "-",
        stdin="four plain words here",
    )  # fmt: skip
    assert right.code == 0
    for bad in (tmp_path / "missing", tmp_path / "empty"):
        (tmp_path / "empty").write_text("")
        refused = camward("factory", "init", "--root", tmp_path / "g", "--passphrase-file", bad)
        assert (refused.code, refused.out) == (3, "")
        assert str(bad) in refused.err
    assert "four plain words" not in made.out + made.err + wrong.err + right.out + right.err


def test_settings_of_a_device_that_does_not_run(camward, device: Path) -> None:
    every = camward("settings", "list", "--state", device, "--json").json("settings")["settings"]
    paths = {item["path"] for item in every}
    assert {"device.name", "network.https.port", "network.rtsp.plain", "access.password_length"} <= paths
    changed = camward("settings", "set", "network.https.port=8445", "device.name=Gate", "--state", device, "--json")
    assert changed.json("settings-changed")["changed"] == {"network.https.port": 8445, "device.name": "Gate"}
    assert camward("settings", "get", "network.https.port", "--state", device).out == "8445\n"
    assert camward("settings", "get", "device.name", "--state", device, "--json").json("setting")["value"] == "Gate"
    assert camward("settings", "set", "device.name=", "--state", device).code == 0
    assert camward("settings", "get", "device.name", "--state", device).out == "\n"
    shown = camward("journal", "show", "--state", device, "--json").json("journal")["entries"]
    assert [entry["kind"] for entry in shown] == ["settings_changed", "settings_changed"]
    assert shown[0]["details"]["network.https.port"] == {"old": 443, "new": 8445}
    assert str(shown[0]["who"]).startswith("console")


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("network.https.prot=1", "network.https.port"),
        ("network.https.port=0", "network.https.port"),
        ("network.https.port=many", "not a number"),
        ("network.rtsp.plain=maybe", "neither on nor off"),
    ],
)
def test_a_setting_that_can_not_be_changes_nothing(camward, device: Path, assignment: str, told: str) -> None:
    refused = camward("settings", "set", "device.name=Gate", assignment, "--state", device)
    assert (refused.code, refused.out) == (3, "")
    assert told in refused.err
    assert camward("settings", "get", "device.name", "--state", device).out == "\n"


def test_export_and_import(camward, device: Path, tmp_path: Path) -> None:
    camward("settings", "set", "device.name=Gate", "--state", device)
    file = tmp_path / "settings.toml"
    assert camward("settings", "export", "--state", device, "-o", file).out == ""
    camward("settings", "set", "device.name=Yard", "--state", device)
    assert camward("settings", "import", file, "--state", device).code == 0
    assert camward("settings", "get", "device.name", "--state", device).out == "Gate\n"
    refused = camward("settings", "import", "-", "--state", device, stdin="[device]\nnmae = 'x'\n")
    assert refused.code == 3
    assert "device.name" in refused.err
    assert camward("settings", "get", "device.name", "--state", device).out == "Gate\n"


def test_a_broken_file_is_named_by_line_and_can_be_mended(camward, device: Path) -> None:
    (device / "settings.toml").write_text("[device]\nname = 'Gate'\ncolour = 'red'\n")
    listed = camward("settings", "list", "--state", device)
    assert (listed.code, listed.out) == (3, "")
    assert "line 3" in listed.err
    assert camward("settings", "set", "device.location=Roof", "--state", device).code == 0
    assert camward("settings", "get", "device.location", "--state", device).out == "Roof\n"
    assert "colour" in (device / "settings.broken.toml").read_text()


def test_the_schema_holds_every_setting(camward) -> None:
    for kind in ("camera", "recorder"):
        tree = camward("settings", "schema", "--device", kind, "--json").json("settings-schema")["tree"]
        assert "network" in tree["properties"]


def test_a_folder_that_is_no_device(camward, tmp_path: Path) -> None:
    for words in (("settings", "list"), ("journal", "show"), ("camera", "claim-code"), ("recorder", "list")):
        refused = camward(*words, "--state", tmp_path)
        assert (refused.code, refused.out) == (4 if words[0] == "recorder" else 3, "")
        assert str(tmp_path) in refused.err


def test_a_changed_journal_is_not_authentic(camward, device: Path) -> None:
    camward("settings", "set", "device.name=Gate", "--state", device)
    camward("settings", "set", "device.name=Yard", "--state", device)
    whole = camward("journal", "verify", "--state", device, "--json")
    assert (whole.code, whole.json("journal-verdict")["verdict"]) == (0, "whole")
    head = camward("journal", "verify", "--state", device).out.split("newest: ")[1].strip()
    assert camward("journal", "verify", "--state", device, "--head", head).code == 0
    assert camward("journal", "verify", "--state", device, "--head", "nonsense").code == 3
    part = next((device / "journal").glob("*.jsonl"))
    part.write_bytes(part.read_bytes().replace(b"Gate", b"Gaze"))
    broken = camward("journal", "verify", "--state", device, "--json")
    assert (broken.code, broken.json("journal-verdict")["broken"]["line"]) == (6, 1)


def test_factory_reset_keeps_who_it_is(camward, device: Path) -> None:
    before = camward("camera", "claim-code", "--state", device, "--json").json("claim-code")
    camward("settings", "set", "device.name=Gate", "--state", device)
    assert camward("camera", "factory-reset", "--state", device).code == 1
    done = camward("camera", "factory-reset", "--state", device, "--yes", "--json").json("factory-reset")
    after = camward("camera", "claim-code", "--state", device, "--json").json("claim-code")
    assert done["claim_code"] == after["claim_code"] != before["claim_code"]
    assert after["words"] == before["words"]
    assert camward("settings", "get", "device.name", "--state", device).out == "\n"
    kinds = [e["kind"] for e in camward("journal", "show", "--state", device, "--json").json("journal")["entries"]]
    assert "factory_reset" in kinds


def test_a_state_belongs_to_one_kind_of_device(camward, device: Path) -> None:
    refused = camward("recorder", "run", "--state", device, "--https", "127.0.0.1:0")
    assert refused.code == 3
    assert "camera" in refused.err


@pytest.mark.parametrize(
    "words",
    [
        ("camera", "fly"),
        ("settings", "set", "--state", "x"),
        ("demo", "--cameras", "many"),
        ("factory", "tls"),
        ("recorder", "add-camera", "rtsp://host/1", "--state", "x", "--claim-code-file", "y"),
        ("camera", "run", "--state", "x", "--source", "test:", "--https", "nowhere:much"),
        ("settings", "set", "no-value", "--state", "x"),
    ],
)
def test_wrong_usage(camward, words: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = camward(*words)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("words", [("recorder", "status"), ("recorder", "list")])
def test_a_recorder_that_does_not_run_is_not_reachable(camward, tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "device.json").write_text('{"device": "recorder"}')
    refused = camward(*words, "--state", tmp_path, "--json")
    assert (refused.code, refused.out) == (4, "")


def test_doctor_tells_each_thing_in_one_line(camward, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = camward("doctor", "--state", tmp_path / "new" / "state", "--port", port, "--json")
        lines = camward("doctor", "--port", port)
    data = told.json("doctor")
    outcomes = {check["name"]: check["outcome"] for check in data["checks"]}
    assert (told.code, data["ok"], outcomes[f"port {port}"]) == (1, False, "fail")
    assert {"Python", "packages", "codecs", "clock", "state", "disk space", "disk flush"} <= outcomes.keys()
    assert outcomes["codecs"] == outcomes["packages"] == "ok"
    assert not (tmp_path / "new").exists()
    assert len(lines.out.strip().splitlines()) == len(outcomes) - 3


def test_help_is_quick_and_lists_every_noun() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "camward.cli", "--help"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # CPU time, so that a busy machine is no excuse; 0.2 s. The bound only catches an import that should be lazy.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.8
    for noun in ("demo", "camera", "recorder", "factory", "settings", "journal", "doctor"):
        assert noun in done.stdout


def test_the_roof_imports_no_web_server_for_help() -> None:
    code = (
        "import sys; from camward.cli.main import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("fastapi", "av", "pydantic", "cryptography", "asyncio.events"):
        assert f"'{heavy}'" not in done.stderr


def test_a_reader_of_the_journal_needs_no_lock(camward, device: Path) -> None:
    from camward.base.clock import SystemClock
    from camward.journal import Journal

    journal = Journal(device / "journal", SystemClock())
    try:
        journal.append("test", who="test", what="Something happened")
        results: list[int] = []
        reader = threading.Thread(target=lambda: results.append(main(["journal", "show", "--state", str(device)])))
        reader.start()
        reader.join(10)
        assert results == [0]
        busy = camward("settings", "set", "device.name=Gate", "--state", device)
        assert (busy.code, "in use" in busy.err) == (1, True)
    finally:
        journal.close()
