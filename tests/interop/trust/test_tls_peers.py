"""OpenSSL, curl and Python's clients against our certificates and contexts."""

import asyncio
import socket
import ssl
import warnings

import pytest
import uvloop

from camward.base.clock import ManualClock, SystemClock
from camward.trust import DeviceIdentity, Pin, ca_client_context, client_context, reload_certificate, server_context
from camward.trust.certificates import write_chain

CLOCK = SystemClock()


def context_of(device: DeviceIdentity) -> ssl.SSLContext:
    return server_context(device.tls_chain_path, device.tls_key.path)


async def test_openssl_verifies_what_the_site_issued(site, device, run):
    good = ["openssl", "verify", "-x509_strict", "-CAfile", site.root_pem, "-untrusted", site.site_pem]
    assert (await run(*good, "-purpose", "sslserver", "-verify_ip", "127.0.0.1", device.tls_chain_path))[0] == 0
    assert (await run(*good, "-verify_hostname", "localhost", device.tls_chain_path))[0] == 0
    code, said = await run(*good, "-verify_hostname", "elsewhere.example", device.tls_chain_path)
    assert (code, "hostname mismatch" in said.lower()) == (2, True)
    code, said = await run(*good, "-purpose", "sslclient", device.tls_chain_path)
    assert (code, "purpose" in said) == (2, True)


async def test_openssl_verifies_the_factory_s_certificates_and_refuses_another_root(site, other_site, device, run):
    for file in ("identity.pem", "signing.pem"):
        path = device.folder / file
        assert (await run("openssl", "verify", "-x509_strict", "-CAfile", site.root_pem, path))[0] == 0
        assert (await run("openssl", "verify", "-CAfile", other_site.root_pem, path))[0] == 2
        code, said = await run("openssl", "verify", "-purpose", "sslserver", "-CAfile", site.root_pem, path)
        assert (code, "purpose" in said) == (2, True)


async def test_openssl_sees_the_urn_and_a_life_of_90_days_at_most(device, run):
    _, said = await run("openssl", "x509", "-noout", "-text", "-in", device.tls_chain_path)
    assert f"URI:urn:camward:device:{device.serial}" in said
    assert "IP Address:127.0.0.1" in said
    in_90_days, in_87_days = 90 * 86400, 87 * 86400
    assert (await run("openssl", "x509", "-checkend", in_90_days, "-noout", "-in", device.tls_chain_path))[0] == 1
    assert (await run("openssl", "x509", "-checkend", in_87_days, "-noout", "-in", device.tls_chain_path))[0] == 0


async def test_openssl_reads_our_revocation_list(site, run, tmp_path):
    from camward.factory import revoke

    doomed = site.provision("doomed")
    assert len(revoke(site.folder / "root", doomed.serial, passphrase=None, now=CLOCK.utc())) == 2
    lists = site.folder / "root" / "revoked.crl.pem"
    check = ["openssl", "verify", "-crl_check", "-CAfile", site.root_pem, "-CRLfile", lists]
    code, said = await run(*check, doomed.folder / "identity.pem")
    assert (code, "revoked" in said) == (2, True)


async def test_curl_accepts_with_the_root_and_refuses_without(site, other_site, device, serve, run):
    port = await serve(context_of(device))
    for host in ("127.0.0.1", "localhost"):
        code, said = await run("curl", "-sS", "--cacert", site.root_pem, f"https://{host}:{port}/")
        assert (code, said) == (0, "camward")
    code, said = await run("curl", "-sS", "--cacert", other_site.root_pem, f"https://127.0.0.1:{port}/")
    assert (code, "certificate" in said) == (60, True)
    code, said = await run(
        "curl",
        "-sS",
        "--cacert",
        site.root_pem,
        "--resolve",
        f"evil.example:{port}:127.0.0.1",
        f"https://evil.example:{port}/",
    )
    assert code == 60


async def test_a_verifier_with_a_ca_checks_the_name(site, device, serve):
    port = await serve(context_of(device))
    context = ca_client_context(site.root_pem)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="evil.example")


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        (["-tls1_3"], True),
        (["-tls1_2"], True),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], True),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"], False),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], False),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
        (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], False),
    ],
)
async def test_old_versions_and_cbc_are_refused(device, serve, run, options, accepted):
    port = await serve(context_of(device))
    code, said = await run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options)
    assert (code == 0) is accepted, said
    lax = await serve(lax_context(device))  # the client can: it is our context that refuses
    code, said = await run("openssl", "s_client", "-connect", f"127.0.0.1:{lax}", *options)
    assert code == 0, said


def lax_context(device: DeviceIdentity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(device.tls_chain_path, device.tls_key.path)
    return context


async def test_http_1_1_is_agreed_on(device, serve, run):
    port = await serve(context_of(device))
    _, said = await run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-alpn", "h2,http/1.1")
    assert "ALPN protocol: http/1.1" in said


async def test_a_client_holds_to_its_pin_and_refuses_another_valid_device(site, device, serve):
    other = site.provision("camera2")
    port = await serve(context_of(device))
    root = device.root.public_bytes(ssl_der())
    for pin in (Pin.of_certificate(device.fingerprint), Pin.of_device(root, device.serial)):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(pin, CLOCK))
        writer.close()
    for pin in (Pin.of_certificate(other.fingerprint), Pin.of_device(root, other.serial)):
        with pytest.raises(ssl.SSLCertVerificationError, match=f"another device: {device.serial}"):
            await asyncio.open_connection("127.0.0.1", port, ssl=client_context(pin, CLOCK))


async def test_the_same_serial_number_under_another_root_is_refused(site, other_site, device, serve):
    port = await serve(context_of(device))
    foreign = Pin.of_device(other_site.provision("camera1").root.public_bytes(ssl_der()), device.serial)
    with pytest.raises(ssl.SSLCertVerificationError, match="does not lead to a trusted root"):
        await asyncio.open_connection("127.0.0.1", port, ssl=client_context(foreign, CLOCK))


async def test_the_pin_outlives_a_new_tls_certificate_taken_up_on_the_fly(site, serve, tmp_path):
    device = site.provision("camera3")
    context = context_of(device)
    port = await serve(context)
    pinned = client_context(Pin.of_certificate(device.fingerprint), CLOCK)

    async def served() -> bytes:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=pinned)
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return certificate

    before = await served()
    device.ensure_tls(["127.0.0.1"], now=CLOCK.utc() + 100 * 86400 * 10**9)
    assert await served() == before
    reload_certificate(context, device.tls_chain_path, device.tls_key.path)
    assert await served() != before


async def test_a_certificate_of_another_key_never_reaches_a_live_context(site, device, serve):
    context = context_of(device)
    port = await serve(context)
    with pytest.raises(ssl.SSLError):
        reload_certificate(context, device.tls_chain_path, device.identity_key.path)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ca_client_context(site.root_pem))
    writer.close()


async def test_a_device_that_no_factory_knows_is_held_to_its_pin_too(serve, tmp_path):
    device = DeviceIdentity.load_or_create(
        tmp_path / "a", name="Camward camera", now=CLOCK.utc(), addresses=["127.0.0.1"]
    )
    other = DeviceIdentity.load_or_create(tmp_path / "b", name="Camward camera", now=CLOCK.utc())
    port = await serve(context_of(device))
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(Pin.of_certificate(device.fingerprint), CLOCK)
    )
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError, match="another device"):
        await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(Pin.of_certificate(other.fingerprint), CLOCK)
        )


async def test_a_foreign_camera_is_pinned_by_the_certificate_it_serves(throwaway_tls, throwaway_ca, serve):
    port = await serve(throwaway_tls)
    served = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    import hashlib

    sha256 = hashlib.sha256(ssl.PEM_cert_to_DER_cert(served)).digest()
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(Pin.of_certificate(sha256), CLOCK))
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError, match="no device identity"):
        await asyncio.open_connection("127.0.0.1", port, ssl=client_context(Pin.of_certificate(b"\0" * 32), CLOCK))


async def test_the_identity_s_word_runs_out(device, serve):
    port = await serve(context_of(device))
    late = ManualClock(CLOCK.utc() + 130 * 86400 * 10**9)
    with pytest.raises(ssl.SSLCertVerificationError, match="run out"):
        await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(Pin.of_certificate(device.fingerprint), late)
        )


async def test_blocking_sockets_are_held_to_the_pin_too(site, device, serve):
    port = await serve(context_of(device))

    def connect(pin: Pin) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            client_context(pin, CLOCK).wrap_socket(plain).close()

    await asyncio.to_thread(connect, Pin.of_certificate(device.fingerprint))
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(connect, Pin.of_certificate(b"\1" * 32))


def test_uvloop_and_aiohttp_are_held_to_the_pin_too(site, device):
    import aiohttp

    async def main() -> None:
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context_of(device))
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with aiohttp.ClientSession() as session:
            async with session.get(url, ssl=client_context(Pin.of_certificate(device.fingerprint), CLOCK)) as response:
                assert await response.text() == "ok"
            with pytest.raises(aiohttp.ClientError):
                await session.get(url, ssl=client_context(Pin.of_certificate(b"\2" * 32), CLOCK))
        server.close()
        await asyncio.sleep(0.05)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def test_a_site_s_chain_file_holds_the_site_and_not_the_root(site, device):
    pem = device.tls_chain_path.read_bytes()
    assert pem.count(b"BEGIN CERTIFICATE") == 2
    assert write_chain([device.root]) not in pem
    assert device.root_pem() == site.root_pem.read_bytes()


def ssl_der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER
