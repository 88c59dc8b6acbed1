"""What people type as a camera's address or fingerprint."""

import pytest

from camward.base.errors import ConfigurationError
from camward.web.recorder.cameras import complete_address, https_address, read_pin


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("192.168.1.40", "https://192.168.1.40"),
        (" camera.local:8453 ", "https://camera.local:8453"),
        ("[fe80::1]", "https://[fe80::1]"),
        ("RTSPS://cam/stream1", "rtsps://cam/stream1"),
        ("rtsp://cam:554/a?b=c", "rtsp://cam:554/a?b=c"),
    ],
)
def test_what_is_meant(typed: str, meant: str) -> None:
    assert complete_address(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "  ", "ftp://cam", "rtsp://", "rtsp://a:b@cam/1", "a b", "cam\n/x", "http://cam"]
)
def test_what_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        complete_address(typed)
    assert caught.value.code == "CAMERA-ADDRESS" and caught.value.next


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        complete_address("rtsp://admin:hunter2@cam/1")
    assert "hunter2" not in caught.value.diagnostics()


def test_pairing_is_by_https() -> None:
    assert https_address("cam") == "https://cam"
    with pytest.raises(ConfigurationError):
        https_address("rtsps://cam/stream1")


def test_fingerprints() -> None:
    assert read_pin(None) is None and read_pin("") is None
    assert read_pin("AB:" * 31 + "AB") == b"\xab" * 32
    for wrong in ("ab", "zz" * 32, "ab" * 33):
        with pytest.raises(ConfigurationError):
            read_pin(wrong)
