"""What all tests share: throwaway TLS contexts and where the real footage is."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

FOOTAGE = Path(__file__).parent.parent / "src" / "camward" / "app" / "footage"


@pytest.fixture(scope="session")
def footage() -> Path:
    """Folder of the two real clips: car-park.mp4 (H.264) and cup-with-audio.mp4 (H.264 and AAC)."""
    return FOOTAGE


@pytest.fixture(scope="session")
def throwaway_ca() -> trustme.CA:
    """A CA for TLS in tests that are not about our own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def throwaway_tls(throwaway_ca: trustme.CA) -> Iterator[ssl.SSLContext]:
    """A server context for localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    throwaway_ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    yield context
