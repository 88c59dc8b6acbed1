"""The factory's bench: a root, devices, a site, revocation, labels; and everything that goes wrong there."""

import json
import stat
import xml.etree.ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from camward.base.clock import NS, ManualClock
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.factory import (
    init_root,
    issue_device,
    issue_site_ca,
    issue_tls,
    label,
    list_devices,
    revoke,
    root_certificate,
)
from camward.factory.authority import ROOT_FILE, open_authority
from camward.factory.issue import sign_requests
from camward.trust import DeviceIdentity, Pin, PinResult
from camward.trust.certificates import build_request, read_chain, subject
from camward.trust.chain import ChainResult, Purpose, verify_chain
from camward.trust.oids import VIDEO_SIGNING
from camward.trust.serial import SERIAL_FORM

NOW = ManualClock().utc()
DAY = 86400 * NS


@pytest.fixture
def root(tmp_path):
    init_root(tmp_path / "root", passphrase=None, name="Works", now=NOW)
    return tmp_path / "root"


@pytest.fixture
def site(root, tmp_path):
    issue_site_ca(root, tmp_path / "site", root_passphrase=None, passphrase=None, name="Site", now=NOW)
    return tmp_path / "site"


def provision(root, state, **more) -> DeviceIdentity:
    return issue_device(root, state, passphrase=None, name="Camward camera", now=NOW, **more)


def pem_request(key=None, **more) -> bytes:
    return build_request(key or ec.generate_private_key(ec.SECP256R1()), subject("x"), **more)


def test_a_root_is_private_lasts_20_years_and_allows_one_level_below(root):
    certificate = read_chain(root_certificate(root))[0]
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 1)
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days // 365 == 20
    assert isinstance(certificate.public_key().curve, ec.SECP384R1)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "ca-key.pem").stat().st_mode) == 0o600


def test_a_root_is_never_written_over(root):
    before = root_certificate(root)
    with pytest.raises(ConfigurationError, match="already"):
        init_root(root, passphrase=None, name="Works", now=NOW)
    assert root_certificate(root) == before


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb"])
def test_a_name_must_fit_a_certificate(tmp_path, name):
    with pytest.raises(ConfigurationError, match="name"):
        init_root(tmp_path / "r", passphrase=None, name=name, now=NOW)
    assert not (tmp_path / "r").exists()


def test_the_passphrase_guards_the_key(tmp_path):
    folder, state = tmp_path / "root", tmp_path / "cam"
    init_root(folder, passphrase=Secret("correct horse"), name="Works", now=NOW)
    assert b"ENCRYPTED" in (folder / "ca-key.pem").read_bytes()
    for wrong, words in ((None, "passphrase"), (Secret("wrong"), "can't be opened"), (Secret(""), "empty")):
        with pytest.raises(ConfigurationError, match=words):
            issue_device(folder, state, passphrase=wrong, name="x", now=NOW)
    assert issue_device(folder, state, passphrase=Secret("correct horse"), name="x", now=NOW).provisioned
    assert root_certificate(folder)  # needs none


def test_a_needless_passphrase_is_said_to_be_so(root, tmp_path):
    with pytest.raises(ConfigurationError, match="needs no passphrase"):
        issue_device(root, tmp_path / "cam", passphrase=Secret("x"), name="x", now=NOW)


def test_a_folder_without_a_root_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="no CA") as caught:
        provision(tmp_path / "nothing", tmp_path / "cam")
    assert "factory init" in caught.value.next
    assert not (tmp_path / "cam").exists()


def test_a_device_gets_identity_and_signing_for_the_keys_it_had(root, tmp_path):
    before = DeviceIdentity.load_or_create(tmp_path / "cam", name="Camward camera", now=NOW)
    device = provision(root, tmp_path / "cam", serial="CW-2345-6789")
    roots = [read_chain(root_certificate(root))[0]]
    assert device.provisioned
    assert device.serial == "CW-2345-6789"
    assert device.certificate.public_key() == before.identity_key.public_key
    assert device.fingerprint != before.fingerprint
    for leaf, purpose in (
        (device.certificate, Purpose.DEVICE_IDENTITY),
        (device.signing_chain[0], Purpose.VIDEO_SIGNING),
    ):
        assert verify_chain(leaf, (), roots, purpose=purpose, at=NOW).result is ChainResult.TRUSTED
        names = {attribute.oid._name: attribute.value for attribute in leaf.subject}
        assert names == {"commonName": "Camward camera", "serialNumber": "CW-2345-6789"}
        with pytest.raises(x509.ExtensionNotFound):
            leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not device.tls_state(now=NOW).due  # the binding is by the new identity


def test_the_running_device_takes_its_certificates_up(root, tmp_path):
    running = DeviceIdentity.load_or_create(tmp_path / "cam", name="x", now=NOW)
    issued = provision(root, tmp_path / "cam")
    running.reload()
    assert (running.serial, running.fingerprint) == (issued.serial, issued.fingerprint)
    assert SERIAL_FORM.fullmatch(running.serial)


def test_a_device_is_issued_anew_only_on_purpose(root, tmp_path):
    first = provision(root, tmp_path / "cam")
    with pytest.raises(ConfigurationError, match=first.serial):
        provision(root, tmp_path / "cam")
    second = provision(root, tmp_path / "cam", replace=True)
    assert second.serial != first.serial


@pytest.mark.parametrize("serial", ["CW-0000-000I", "cw-0000-0000", "CW-00000000", "", "CW-0000-0000\n"])
def test_a_serial_number_has_its_form(root, tmp_path, serial):
    with pytest.raises(ConfigurationError, match="serial number"):
        provision(root, tmp_path / "cam", serial=serial)


def test_a_serial_number_is_given_once_until_it_is_revoked(root, tmp_path):
    provision(root, tmp_path / "a", serial="CW-0000-0001")
    with pytest.raises(ConfigurationError, match="given already"):
        provision(root, tmp_path / "b", serial="CW-0000-0001")
    revoke(root, "CW-0000-0001", passphrase=None, now=NOW)
    assert provision(root, tmp_path / "b", serial="CW-0000-0001").provisioned


def test_only_public_keys_are_taken_from_a_request(root):
    authority = open_authority(root, ROOT_FILE, passphrase=None)
    wish = [(x509.BasicConstraints(ca=True, path_length=None), True)]
    pair = sign_requests(authority, pem_request(extensions=wish), pem_request(extensions=wish), name="cam", now=NOW)
    for pem in (pair.identity, pair.signing):
        certificate = read_chain(pem)[0]
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_bad_requests_are_refused(root):
    authority = open_authority(root, ROOT_FILE, passphrase=None)
    good, key = pem_request(), ec.generate_private_key(ec.SECP256R1())
    large = (
        x509.CertificateSigningRequestBuilder(subject("x"))
        .sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    der = bytearray(x509.load_pem_x509_csr(good).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    import base64

    forged = b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE REQUEST-----\n"
    for bad, words in ((b"x", "not a certificate request"), (large, "P-256"), (forged, "own key")):
        with pytest.raises(ConfigurationError, match=words):
            sign_requests(authority, good, bad, name="cam", now=NOW)
    with pytest.raises(ConfigurationError, match="a key each"):
        sign_requests(authority, pem_request(key), pem_request(key), name="cam", now=NOW)
    assert list_devices(root) == []


def test_a_site_s_ca_does_tls_and_nothing_else(root, site, tmp_path):
    certificate = read_chain((site / "site.pem").read_bytes())[0]
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert (basic.ca, basic.path_length) == (True, 0)
    # Even with the site's key in hand, nobody makes a signer or a device.
    authority = open_authority(site, "site.pem", passphrase=None)
    pair = sign_requests(authority, pem_request(), pem_request(), name="cam", now=NOW)
    roots = [read_chain(root_certificate(root))[0]]
    for pem, purpose in ((pair.identity, Purpose.DEVICE_IDENTITY), (pair.signing, Purpose.VIDEO_SIGNING)):
        verdict = verify_chain(read_chain(pem)[0], [certificate], roots, purpose=purpose, at=NOW)
        assert verdict.result is ChainResult.WRONG_PURPOSE


def test_a_tls_certificate_names_addresses_and_the_device_and_carries_the_pin(root, site, tmp_path):
    device = provision(root, tmp_path / "cam")
    chain = issue_tls(site, device.tls_request(["cam.lan"], now=NOW), ["cam.lan", "10.0.0.7"], passphrase=None, now=NOW)
    device.install_tls(chain)
    leaf, ca = read_chain(chain)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:camward:device:{device.serial}"]
    assert device.tls_state(["10.0.0.7", "cam.lan"], now=NOW).due is False
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 90
    roots = [read_chain(root_certificate(root))[0]]
    assert verify_chain(leaf, [ca], roots, purpose=Purpose.TLS_SERVER, at=NOW).result is ChainResult.TRUSTED
    der = leaf.public_bytes(serialization.Encoding.DER)
    assert Pin.of_certificate(device.fingerprint).check(der, at=NOW).result is PinResult.MATCH
    # It stays until it ends, then the device helps itself.
    assert not device.ensure_tls(["10.0.0.7"], now=NOW + 80 * DAY)
    assert device.tls_state(now=NOW + 80 * DAY).due
    assert device.ensure_tls(["10.0.0.7"], now=NOW + 91 * DAY)


def test_a_site_gives_certificates_to_devices_of_its_root_only(root, site, tmp_path):
    stranger = DeviceIdentity.load_or_create(tmp_path / "stranger", name="x", now=NOW)
    device = provision(root, tmp_path / "cam")
    binding = x509.load_pem_x509_csr(device.tls_request(["a"], now=NOW)).extensions[1].value
    stolen = pem_request(extensions=[(binding, False)])
    for request, words in (
        (stranger.tls_request(["a"], now=NOW), "not from a device of this root"),
        (pem_request(), "no device's binding"),
        (stolen, "binding is false"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            issue_tls(site, request, ["a"], passphrase=None, now=NOW)
    for addresses in ([], ["a"] * 33, ["not a name"]):
        with pytest.raises(ConfigurationError):
            issue_tls(site, device.tls_request(["a"], now=NOW), addresses, passphrase=None, now=NOW)
    assert list_devices(site) == []


def test_revoked_devices_are_listed_and_refused(root, tmp_path):
    good, bad = provision(root, tmp_path / "good"), provision(root, tmp_path / "bad")
    assert [entry.purpose for entry in revoke(root, bad.serial, passphrase=None, now=NOW)] == ["identity", "signing"]
    assert revoke(root, bad.serial, passphrase=None, now=NOW) == []
    assert [entry.revoked is not None for entry in list_devices(root)] == [False, False, True, True]
    lists = [x509.load_pem_x509_crl((root / "revoked.crl.pem").read_bytes())]
    roots = [read_chain(root_certificate(root))[0]]
    for device, expected in ((good, ChainResult.TRUSTED), (bad, ChainResult.REVOKED)):
        for leaf, purpose in (
            (device.certificate, Purpose.DEVICE_IDENTITY),
            (device.signing_chain[0], Purpose.VIDEO_SIGNING),
        ):
            assert verify_chain(leaf, (), roots, purpose=purpose, at=NOW, revocations=lists).result is expected
    with pytest.raises(ConfigurationError, match="nothing was issued"):
        revoke(root, "CW-ZZZZ-ZZZZ", passphrase=None, now=NOW)


def test_a_revocation_list_of_somebody_else_revokes_nothing(root, tmp_path):
    device = provision(root, tmp_path / "cam")
    init_root(tmp_path / "twin", passphrase=None, name="Works", now=NOW)
    authority = open_authority(tmp_path / "twin", ROOT_FILE, passphrase=None)
    line = {"event": "issued", "utc": 0, "purpose": "identity", "serial": "CW-0000-0000", "name": "", "sha256": ""}
    line["number"] = f"{device.certificate.serial_number:x}"
    (tmp_path / "twin" / "register.jsonl").write_text(json.dumps(line) + "\n")
    revoke(authority.folder, "CW-0000-0000", passphrase=None, now=NOW)
    forged = [x509.load_pem_x509_crl((tmp_path / "twin" / "revoked.crl.pem").read_bytes())]
    roots = [read_chain(root_certificate(root))[0]]
    verdict = verify_chain(device.certificate, (), roots, purpose=Purpose.DEVICE_IDENTITY, at=NOW, revocations=forged)
    assert verdict.result is ChainResult.TRUSTED


def test_the_register_survives_a_torn_line_and_names_damage(root, tmp_path):
    provision(root, tmp_path / "a")
    register = root / "register.jsonl"
    whole = register.read_bytes()
    register.write_bytes(whole + b'{"event": "iss')
    assert len(list_devices(root)) == 2
    provision(root, tmp_path / "b")
    assert len(list_devices(root)) == 4
    register.write_bytes(b"{}\n" + whole)
    with pytest.raises(ConfigurationError, match="damaged"):
        list_devices(root)


def test_a_label_shows_what_a_person_needs(root, tmp_path):
    device = provision(root, tmp_path / "cam")
    made = label(device, claim_code=Secret("ABCDE-<&>"))
    assert "ABCDE" not in repr(made)
    text = made.text()
    for part in (device.serial, device.words, "Camward camera", "ABCDE-<&>"):
        assert part in text
    picture = ET.fromstring(made.svg())
    shown = "".join(node.text or "" for node in picture.iter("{http://www.w3.org/2000/svg}text"))
    assert device.words in shown
    assert "ABCDE-<&>" in shown
    assert device.fingerprint.hex(":").upper() in shown


def test_a_signer_s_usage_is_camward_s_own_and_critical(root, tmp_path):
    usages = (
        provision(root, tmp_path / "cam").signing_chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    )
    assert (usages.critical, list(usages.value)) == (True, [VIDEO_SIGNING])
