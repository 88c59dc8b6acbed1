"""One device's state: opened once, renewed certificates without dropped connections, settings that never stop it."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from camward.access import Device
from camward.app.addresses import machine_addresses, url_host
from camward.app.demo.layout import lay_out, make_site
from camward.app.device import kind_of, open_ground
from camward.app.doors import LiveDoor
from camward.app.places import Place, PlaceError
from camward.app.provision import claim_code, identity_of, issue_tls_to, provision, tls_due
from camward.app.settings import CameraSettings, RecorderSettings
from camward.app.state import MODELS
from camward.base.clock import SystemClock
from camward.base.errors import ConfigurationError
from camward.base.setting_info import describe
from camward.door.acceptor import Listener
from camward.factory import init_root, issue_site_ca
from camward.journal import JournalError
from camward.trust import Pin, client_context


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    now = SystemClock().utc()
    init_root(tmp_path / "factory", passphrase=None, name="Test root", now=now)
    issue_site_ca(tmp_path / "factory", tmp_path / "site", root_passphrase=None, passphrase=None, name="S", now=now)
    return tmp_path


@pytest.mark.parametrize("kind", list(Device))
def test_every_setting_of_the_trees_is_described(kind: Device) -> None:
    model = MODELS[kind]
    infos = describe(model, model())
    assert len(infos) > 10
    assert all(info.meta.title and info.meta.menu for info in infos)
    for info in infos:
        if info.is_recommended is False:
            assert info.meta.risks, f"{info.path} is not as recommended from the factory, and nothing says why"


def test_a_new_device_has_a_self_signed_identity_and_a_claim_code(tmp_path: Path) -> None:
    with open_ground(tmp_path, Device.CAMERA, CameraSettings) as ground:
        assert not ground.identity.provisioned
        assert not ground.access.claimed
        code = ground.access.claim.code()
        words = ground.identity.words
    assert kind_of(tmp_path) is Device.CAMERA
    assert claim_code(tmp_path) == code
    with open_ground(tmp_path, Device.CAMERA, CameraSettings) as ground:
        assert (ground.identity.words, ground.access.claim.code()) == (words, code)


def test_two_processes_never_share_a_state(tmp_path: Path) -> None:
    with (
        open_ground(tmp_path, Device.CAMERA, CameraSettings),
        pytest.raises(JournalError, match="in use"),
        open_ground(tmp_path, Device.CAMERA, CameraSettings),
    ):
        pass
    with (
        pytest.raises(ConfigurationError, match="of a camera"),
        open_ground(tmp_path, Device.RECORDER, RecorderSettings),
    ):
        pass


def test_a_broken_settings_file_starts_with_the_last_good_one(tmp_path: Path) -> None:
    with open_ground(tmp_path, Device.CAMERA, CameraSettings) as ground:
        ground.settings.set({"device.name": "Gate"}, who="test")
    (tmp_path / "settings.toml").write_text("[device]\nname = 7\n")
    with open_ground(tmp_path, Device.CAMERA, CameraSettings) as ground:
        assert ground.settings.current.device.name == "Gate"
        assert ground.settings.problem is not None
        assert (ground.settings.problem.line, ground.settings.problem.key) == (2, "device.name")


def test_a_long_value_is_journalled_shortened(tmp_path: Path) -> None:
    with open_ground(tmp_path, Device.RECORDER, RecorderSettings) as ground:
        cameras = {
            f"camera-{number}": {"name": f"Camera {number}", "url": f"rtsp://host{number}/stream"}
            for number in range(900)
        }
        ground.settings.set({"cameras.entries": cameras}, who="test")
        entry = ground.journal.read(limit=1)[0]
    assert entry.kind == "settings_changed"
    assert len(str(entry.details)) < 1000


async def test_a_renewed_certificate_is_served_and_open_connections_stay(site: Path) -> None:
    state = site / "camera"
    identity = provision(site / "factory", state, kind=Device.CAMERA, passphrase=None)
    issue_tls_to(state, site / "site", addresses=["localhost", "127.0.0.1"])
    pinned = client_context(Pin.of_certificate(identity.fingerprint), SystemClock())

    def served(writer: asyncio.StreamWriter) -> bytes:
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return found.getpeercert(binary_form=True) or b""

    with open_ground(state, Device.CAMERA, CameraSettings) as ground:
        door = LiveDoor(lambda: Listener("Echo", "127.0.0.1", 0, Echo, ground.tls))
        door.open()
        tasks = [asyncio.create_task(door.run()), asyncio.create_task(ground.keep_certificate())]
        try:
            old_reader, old_writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=pinned)
            issue_tls_to(state, site / "site", addresses=["localhost", "127.0.0.1", "192.0.2.9"])
            ground.renew.set()
            await asyncio.sleep(0.2)
            _, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=pinned)
            assert served(writer) != served(old_writer)
            old_writer.write(b"still here")
            assert await asyncio.wait_for(old_reader.readexactly(10), 3) == b"still here"
            for one in (writer, old_writer):
                one.close()
                await one.wait_closed()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def test_the_site_covers_this_machines_addresses(site: Path) -> None:
    state = site / "camera"
    provision(site / "factory", state, kind=Device.CAMERA, passphrase=None)
    assert tls_due(state)
    found = issue_tls_to(state, site / "site")
    assert {"localhost", "127.0.0.1", "::1"} <= found.addresses
    assert not found.self_signed
    assert not tls_due(state)


def test_addresses_are_real_ones() -> None:
    found = machine_addresses()
    assert found[:3] == ["localhost", "127.0.0.1", "::1"]
    assert len(set(found)) == len(found) <= 24
    assert url_host("fd00::2") == "[fd00::2]"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8443", Place("127.0.0.1", 8443)),
        ("[::1]:8443", Place("::1", 8443)),
        (":8443", Place("", 8443)),
        ("8443", Place("", 8443)),
        ("localhost:0", Place("localhost", 0)),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert Place.parse(text) == place


@pytest.mark.parametrize("text", ["", "host", "host:", "::1:80", "host:70000", "host:-1", "a:b:1", "host:12345678"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(PlaceError) as caught:
        Place.parse(text)
    assert caught.value.exit_code == 2


def test_a_demo_is_laid_out_once(tmp_path: Path) -> None:
    layout = lay_out(tmp_path / "demo", sources=[], cameras=3, port=9000)
    assert [(d.name, d.https, d.rtsp) for d in layout.devices] == [
        ("camera1", 9010, 9011), ("camera2", 9020, 9021), ("camera3", 9030, 9031), ("recorder", 9000, None),
    ]  # fmt: skip
    assert [Path(d.source.removeprefix("file:")).name for d in layout.cameras] == [
        "car-park.mp4", "cup-with-audio.mp4", "car-park.mp4",
    ]  # fmt: skip
    assert all(Path(d.source.removeprefix("file:")).is_file() for d in layout.cameras)
    assert len(list(make_site(layout))) == 2 + 2 * 4
    first = {device.name: identity_of(device.state).words for device in layout.devices}
    owner = (layout.folder / "owner-key.pem").read_bytes()
    assert list(make_site(layout)) == []
    assert {device.name: identity_of(device.state).words for device in layout.devices} == first
    assert (layout.folder / "owner-key.pem").read_bytes() == owner
    assert (layout.folder / "owner-key.pem").stat().st_mode & 0o777 == 0o600
    assert b"BEGIN CERTIFICATE" in layout.root.read_bytes()


@pytest.mark.parametrize(("cameras", "port"), [(0, 8443), (65, 8443), (1, 0), (60, 65000)])
def test_a_demo_that_does_not_fit(tmp_path: Path, cameras: int, port: int) -> None:
    with pytest.raises(ConfigurationError):
        lay_out(tmp_path, sources=[], cameras=cameras, port=port)


def test_one_camera_for_each_source(tmp_path: Path) -> None:
    assert len(lay_out(tmp_path, sources=["test:", "file:x"], cameras=None).cameras) == 2
    assert len(lay_out(tmp_path, sources=[], cameras=None).cameras) == 1
