"""Whatever a peer presents as its certificate, a pin gives a verdict; and no bit of a binding can change unseen."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from camward.base.clock import ManualClock
from camward.trust import DeviceIdentity, Pin, PinResult
from camward.trust.certificates import build_certificate, read_chain, subject
from camward.trust.oids import TLS_BINDING

NOW = ManualClock().utc()
# The library warns of malformed certificates that it will refuse one day.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


@pytest.fixture(scope="module")
def device(tmp_path_factory) -> DeviceIdentity:
    return DeviceIdentity.load_or_create(tmp_path_factory.mktemp("device"), name="Camward camera", now=NOW)


@pytest.fixture(scope="module")
def served(device) -> bytes:
    return read_chain(device.tls_chain_path.read_bytes())[0].public_bytes(Encoding.DER)


@given(st.binary(max_size=400))
def test_any_bytes_get_a_verdict_and_never_match(device, data):
    assert Pin.of_certificate(device.fingerprint).check(data, at=NOW).result is PinResult.MALFORMED


@settings(max_examples=300)
@given(st.data())
def test_a_changed_certificate_gets_a_verdict(device, served, data):
    body = bytearray(served)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    verdict = Pin.of_certificate(device.fingerprint).check(bytes(body), at=NOW)
    assert isinstance(verdict.result, PinResult)
    assert verdict.reason


@settings(max_examples=200)
@given(st.data())
def test_a_changed_binding_or_key_never_matches(device, served, data):
    # The certificate's own signature proves nothing to a pin; the binding's and the handshake's do.
    identity = device.certificate.public_bytes(Encoding.DER)
    start = served.index(identity) - 16
    end = served.index(identity) + len(identity) + 60
    at = data.draw(st.integers(start, end))
    body = bytearray(served)
    body[at] ^= data.draw(st.integers(1, 255))
    assert Pin.of_certificate(device.fingerprint).check(bytes(body), at=NOW).result is not PinResult.MATCH


def test_untouched_it_matches(device, served):
    assert Pin.of_certificate(device.fingerprint).check(served, at=NOW).result is PinResult.MATCH


def test_a_huge_or_foreign_binding_is_refused(device):
    key = device.tls_key
    pin = Pin.of_certificate(device.fingerprint)
    for value in (b"x" * 10_000, b"", b"\x30\x00", device.identity_key.path.read_bytes()):
        certificate = build_certificate(
            key.public_key,
            subject("x"),
            issuer=subject("x"),
            issuer_key=key.private,
            start=datetime(2025, 1, 1, tzinfo=UTC),
            end=datetime(2030, 1, 1, tzinfo=UTC),
            extensions=[(x509.UnrecognizedExtension(TLS_BINDING, value), False)],
        )
        assert pin.check(certificate.public_bytes(Encoding.DER), at=NOW).result is PinResult.BAD_BINDING


@pytest.mark.parametrize("sha256", [b"", b"x" * 31, b"x" * 33])
def test_a_pin_holds_a_whole_fingerprint(sha256):
    with pytest.raises(ValueError, match="32 bytes"):
        Pin.of_certificate(sha256)


def test_a_pin_by_serial_number_needs_one_and_a_root(device):
    with pytest.raises(ValueError, match="serial"):
        Pin.of_device(device.certificate.public_bytes(Encoding.DER), "")
    with pytest.raises(ValueError):
        Pin.of_device(b"no certificate", "CW-0000-0000")
