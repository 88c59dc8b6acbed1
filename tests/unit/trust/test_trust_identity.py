"""A device's keys and certificates over its life: born, provisioned, renewed, damaged."""

import hashlib
import stat

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from camward.base.clock import NS, ManualClock
from camward.base.errors import ConfigurationError
from camward.trust import DeviceIdentity
from camward.trust.certificates import addresses_of, read_chain
from camward.trust.keys import load_or_create_key
from camward.trust.serial import SERIAL_FORM, serial_of

DAY = 86400 * NS
NOW = ManualClock().utc()


@pytest.fixture
def device(tmp_path) -> DeviceIdentity:
    return DeviceIdentity.load_or_create(tmp_path, name="Camward camera", now=NOW, addresses=["127.0.0.1", "CAM.local"])


def test_three_keys_are_born_private_and_stay(device, tmp_path):
    keys = [device.identity_key, device.signing_key, device.tls_key]
    assert len({key.private.private_numbers().private_value for key in keys}) == 3
    for key in keys:
        assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(device.folder.stat().st_mode) == 0o700
    again = DeviceIdentity.load_or_create(tmp_path, name="Camward camera", now=NOW)
    assert (again.fingerprint, again.words, again.serial) == (device.fingerprint, device.words, device.serial)
    assert again.tls_fingerprint == device.tls_fingerprint


def test_before_the_factory_it_says_that_it_is_not_provisioned(device):
    assert device.provisioned is False
    assert SERIAL_FORM.fullmatch(device.serial)
    assert device.root_pem() == b""
    assert device.signing_chain == ()
    assert device.tls_state(now=NOW).self_signed


@pytest.mark.parametrize("data", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_never_replaced(device, tmp_path, data):
    path = device.identity_key.path
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"identity-key\.pem") as caught:
        DeviceIdentity.load_or_create(tmp_path, name="x", now=NOW)
    assert caught.value.next
    assert path.read_bytes() == data


def test_a_key_of_another_kind_is_refused(tmp_path):
    key = ec.generate_private_key(ec.SECP384R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "k.pem").write_bytes(key.private_bytes(*form))
    with pytest.raises(ConfigurationError, match=r"k\.pem"):
        load_or_create_key(tmp_path / "k.pem")


def test_a_certificate_of_another_device_is_refused(device, tmp_path):
    other = DeviceIdentity.load_or_create(tmp_path / "other", name="x", now=NOW)
    (device.folder / "identity.pem").write_bytes((other.folder / "identity.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="not for the key of this device"):
        device.reload()
    with pytest.raises(ConfigurationError, match="not for the key of this device"):
        device.install_tls(other.tls_chain_path.read_bytes())


async def test_a_file_key_signs_digests(device):
    digest = hashlib.sha256(b"picture").digest()
    signature = await device.signing_key.sign(digest)
    device.signing_key.public_key.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    with pytest.raises(InvalidSignature):
        device.identity_key.public_key.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_a_tls_certificate_is_renewed_at_two_thirds_of_its_life_or_for_new_addresses(device):
    assert device.tls_state(["127.0.0.1"], now=NOW).addresses == {"127.0.0.1", "cam.local"}
    assert not device.ensure_tls(["127.0.0.1", "cam.LOCAL"], now=NOW + 58 * DAY)
    assert device.ensure_tls(["127.0.0.1"], now=NOW + 60 * DAY)
    assert not device.ensure_tls(["127.0.0.1"], now=NOW + 60 * DAY)
    assert device.ensure_tls(["127.0.0.1", "10.0.0.9"], now=NOW + 60 * DAY)
    assert device.tls_state(now=NOW).addresses == {"127.0.0.1", "10.0.0.9"}


def test_a_damaged_tls_certificate_is_made_anew(device):
    device.tls_chain_path.write_text("rubbish")
    assert device.ensure_tls([], now=NOW)
    assert device.tls_state(now=NOW).self_signed


def test_a_tls_certificate_vouched_for_by_a_former_identity_is_due(device):
    (device.folder / "identity.pem").unlink()
    device.reload()  # self-signed anew: another certificate for the same key
    assert device.tls_state(now=NOW).due
    assert device.ensure_tls([], now=NOW)
    assert not device.tls_state(now=NOW).due


@pytest.mark.parametrize("address", ["a b", "-x", "exa_mple", "x" * 64, "300.1.1.1.", "", "a..b", "http://x"])
def test_only_names_and_addresses_get_into_a_certificate(device, address):
    with pytest.raises(ConfigurationError, match="neither"):
        device.tls_request([address], now=NOW)


def test_ipv6_addresses_are_told_apart_by_value(device):
    device.ensure_tls(["2001:DB8:0::1", "fe80::1%eth0"], now=NOW)
    assert addresses_of(read_chain(device.tls_chain_path.read_bytes())[0]) == {"2001:db8::1", "fe80::1"}
    assert not device.ensure_tls(["2001:db8::1"], now=NOW)


def test_serial_numbers_are_made_of_40_bits():
    assert serial_of(bytes(5)) == "CW-0000-0000"
    assert serial_of(b"\xff" * 9) == "CW-ZZZZ-ZZZZ"
    assert serial_of(b"\x00\x44\x32\x14\xc7") == "CW-0123-4567"
