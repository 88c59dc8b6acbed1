"""The camera book and the pins: durable, secrets apart, damage told."""

import json
import stat

import pytest

from camward.base.clock import NS, Utc
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.base.setting import SettingsSection
from camward.base.settings_store import SettingsStore
from camward.recorder.cameras import CameraBook
from camward.recorder.errors import RecorderError, UnknownCameraError
from camward.recorder.pins import PinBook
from camward.recorder.settings import CameraEntry, CamerasSettings, RecordingSettings


class Tree(SettingsSection):
    recording: RecordingSettings = RecordingSettings()
    cameras: CamerasSettings = CamerasSettings()


@pytest.fixture
def changes():
    return []


@pytest.fixture
def book(tmp_path, clock, changes):
    store = SettingsStore(Tree, tmp_path / "settings.toml", clock=clock, journal=changes.append)
    return CameraBook(store, tmp_path / "cameras.json")


def entry(name="Front door", **more) -> CameraEntry:
    return CameraEntry(name=name, url="rtsps://192.0.2.7/stream1", username="recorder", pin="ab" * 32, **more)


async def test_a_camera_is_added_changed_and_removed(book, tmp_path, changes):
    camera_id = await book.add(entry(), Secret("s3cret!"), who="anna")
    assert camera_id == "front-door"
    assert book.get(camera_id) == entry()
    assert book.password(camera_id).reveal() == "s3cret!"
    await book.change(camera_id, {"name": "Back door", "keep_days": 7}, who="bert")
    assert (book.get(camera_id).name, book.get(camera_id).keep_days) == ("Back door", 7)
    assert book.password(camera_id).reveal() == "s3cret!"
    await book.change(camera_id, {"username": "other"}, who="bert", password=Secret("new"))
    assert book.password(camera_id).reveal() == "new"
    await book.remove(camera_id, who="anna")
    assert book.list() == {} and book.password(camera_id) is None
    assert [change.who for change in changes] == ["anna", "bert", "bert", "anna"]
    assert "new" not in (tmp_path / "cameras.json").read_text()


async def test_secrets_are_in_their_own_file_only(book, tmp_path, changes):
    await book.add(entry(), Secret("s3cret!"), who="anna")
    assert "s3cret!" not in (tmp_path / "settings.toml").read_text()
    assert "s3cret!" not in repr(changes) + repr(book.__dict__)
    path = tmp_path / "cameras.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["passwords"] == {"front-door": "s3cret!"}


async def test_both_survive_a_restart(book, tmp_path, clock):
    await book.add(entry("A"), Secret("1"), who="anna")
    await book.add(entry("A"), Secret("2"), who="anna")
    await book.add(entry("Überwachung – Süd"), None, who="anna")
    store = SettingsStore(Tree, tmp_path / "settings.toml", clock=clock, journal=lambda _: None)
    again = CameraBook(store, tmp_path / "cameras.json")
    assert again.list() == book.list()
    assert list(again.list()) == ["a", "a-2", "uberwachung-sud"]
    assert [again.password(one) for one in again.list()] == [Secret("1"), Secret("2"), None]


async def test_what_cannot_be_is_refused(book):
    camera_id = await book.add(entry(), None, who="anna")
    with pytest.raises(UnknownCameraError):
        book.get("nobody")
    with pytest.raises(UnknownCameraError):
        await book.change("nobody", {"name": "x"}, who="anna")
    with pytest.raises(UnknownCameraError):
        await book.remove("nobody", who="anna")
    for changes in (
        {"url": "http://x"},
        {"url": "rtsp://name:word@host/"},
        {"colour": 1},
        {"pin": "short"},
        {"keep_days": 0},
    ):
        with pytest.raises(ConfigurationError):
            await book.change(camera_id, changes, who="anna")
    assert book.get(camera_id) == entry()


def test_damaged_secrets_are_told(tmp_path, clock):
    store = SettingsStore(Tree, tmp_path / "settings.toml", clock=clock, journal=lambda _: None)
    (tmp_path / "cameras.json").write_text('{"passwords": ')
    with pytest.raises(RecorderError, match="can't be read"):
        CameraBook(store, tmp_path / "cameras.json")


def test_stream_2_is_found_beside_stream_1_of_our_cameras():
    assert entry(kind="camward").second_url == "rtsps://192.0.2.7/stream2"
    assert entry().second_url is None
    assert entry(stream2_url="rtsp://192.0.2.7/sub").second_url == "rtsp://192.0.2.7/sub"


async def test_pins_survive_a_restart_and_are_listed_by_time(tmp_path, clock):
    pins = PinBook(tmp_path / "pins.json", clock)
    late = await pins.pin("front", Utc(100 * NS), Utc(200 * NS), reason="theft", by="anna")
    early = await pins.pin("front", Utc(10 * NS), Utc(20 * NS), reason="x" * 9999, by="anna")
    other = await pins.pin("yard", Utc(50 * NS), Utc(60 * NS), reason="", by="bert")
    again = PinBook(tmp_path / "pins.json", clock)
    assert again.list() == [early, other, late] == pins.list()
    assert again.list("front") == [early, late]
    assert len(early.reason) == 500 and late.created == clock.utc()
    assert again.protects("front", 150 * NS, 160 * NS) and not again.protects("front", 200 * NS, 300 * NS)
    assert not again.protects("yard", 150 * NS, 160 * NS)
    await again.unpin(late.id)
    with pytest.raises(RecorderError):
        await again.unpin(late.id)
    with pytest.raises(RecorderError):
        await again.pin("front", Utc(2), Utc(2), reason="", by="anna")
    assert PinBook(tmp_path / "pins.json", clock).list() == [early, other]


def test_damaged_pins_stop_the_recorder_and_not_the_evidence(tmp_path, clock):
    (tmp_path / "pins.json").write_text('{"pins": [{"id": 1}]}')
    with pytest.raises(RecorderError, match=r"pins.json can't be read"):
        PinBook(tmp_path / "pins.json", clock)
