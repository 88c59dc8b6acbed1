"""Settings and source addresses as people write them."""

import pytest
from pydantic import ValidationError

from camward.base.errors import ConfigurationError
from camward.base.setting_info import describe
from camward.base.settings_file import parse_settings
from camward.camera.settings import MediaSettings, Zone
from camward.camera.source_url import read_source


def test_every_setting_has_a_menu_and_a_title():
    infos = describe(MediaSettings, MediaSettings())
    assert len(infos) == 19
    for info in infos:
        assert info.meta.menu[0] == "Image/Audio" and info.meta.title


def test_zones_are_read_from_a_settings_file():
    text = b"[privacy]\nzones = [{left = 10.0, top = 20.0, width = 30.0, height = 40.0}]\n"
    assert parse_settings(MediaSettings, text).privacy.zones == (Zone(left=10.0, top=20.0, width=30.0, height=40.0),)


@pytest.mark.parametrize(
    "zone",
    [
        {"left": 60.0, "width": 50.0},
        {"top": 95.0, "height": 10.0},
        {"width": 0.0},
        {"left": -1.0},
        {"left": float("nan")},
    ],
)
def test_a_zone_stays_inside_the_picture(zone):
    with pytest.raises(ValidationError):
        Zone(**zone)


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "x" * 61])
def test_overlay_text_is_one_line(text):
    with pytest.raises(ValidationError):
        MediaSettings.model_validate({"overlay": {"text": text}})


def test_sources_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_source("test:").url == "test:"
    assert read_source("file:clip.mp4").url == f"file:{tmp_path}/clip.mp4"
    assert read_source("file:///srv/a b.mp4").url == "file:/srv/a b.mp4"
    assert read_source("v4l2:/dev/video2").url == "v4l2:/dev/video2"
    order = read_source("rtsp://ad%40min:p%3Aw%40d@[::1]:8554/live?x=1")
    assert (order.url, order.username, order.password.reveal()) == ("rtsp://[::1]:8554/live?x=1", "ad@min", "p:w@d")
    assert "p:w" not in repr(order)
    assert read_source("RTSPS://camera.local/1").url == "rtsps://camera.local/1"


@pytest.mark.parametrize(
    "text",
    ["", "clip.mp4", "file:", "v4l2:/etc/passwd", "v4l2:/dev/../etc/passwd", "rtsp://", "rtsp://x:port/", "http://x/",
     "rtsp://a b/"],
)  # fmt: skip
def test_what_is_no_source_is_said_with_the_forms_that_are(text):
    with pytest.raises(ConfigurationError) as caught:
        read_source(text)
    assert "rtsp://HOST" in caught.value.diagnostics()
