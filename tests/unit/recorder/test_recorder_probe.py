"""Steps of the wizard against real TLS peers: each fails alone, with its own reason; and pairing's dialogue."""

import asyncio
import base64
import contextlib
import hashlib
import json
import ssl

import pytest
from aiohttp import web
from cryptography import x509

from camward.base.clock import SystemClock
from camward.recorder.errors import ProbeError, ProbeStep
from camward.recorder.pairing import ANSWER_LIMIT, ask_to_pair
from camward.recorder.probe import look_at
from camward.trust import DeviceIdentity, fingerprint_words, server_context


@contextlib.asynccontextmanager
async def listening(context=None, *, mute=False):
    """A peer that accepts, and says nothing; its port."""

    async def serve(reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            if mute:
                await asyncio.sleep(30)
            elif context is None:
                writer.write(b"RTSP/1.0 400 Bad Request\r\n\r\n")
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def device(tmp_path_factory) -> DeviceIdentity:
    state = tmp_path_factory.mktemp("device")
    return DeviceIdentity.load_or_create(state, name="Camward camera", now=SystemClock().utc(), addresses=["127.0.0.1"])


@pytest.fixture
def device_tls(device) -> ssl.SSLContext:
    return server_context(device.tls_chain_path, device.tls_key.path)


async def test_a_camward_camera_shows_its_identity(device, device_tls):
    async with listening(device_tls) as port:
        for scheme in ("https", "rtsps"):
            found = await look_at(f"{scheme}://127.0.0.1:{port}/stream1", timeout=5)
            assert found.tls and found.camward
            assert found.fingerprint == device.fingerprint
            assert found.words == device.words == fingerprint_words(device.fingerprint)
            assert found.serial == device.serial


async def test_a_foreign_camera_shows_its_certificate(throwaway_ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = throwaway_ca.issue_cert("camera.example")
    issued.configure_cert(context)
    leaf = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    async with listening(context) as port:
        found = await look_at(f"rtsps://127.0.0.1:{port}/live", timeout=5)
    der = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
    assert found.fingerprint == hashlib.sha256(der).digest()
    assert (found.camward, found.serial) == (False, "")
    assert found.subject == leaf.subject.rfc4514_string()


async def test_a_plain_camera_has_no_certificate():
    async with listening() as port:
        found = await look_at(f"rtsp://127.0.0.1:{port}/live", timeout=5)
    assert (found.tls, found.fingerprint, found.words) == (False, None, "")


async def test_tls_where_there_is_none():
    async with listening() as port:
        with pytest.raises(ProbeError) as caught:
            await look_at(f"rtsps://127.0.0.1:{port}/live", timeout=5)
    assert caught.value.step is ProbeStep.CERTIFICATE
    assert "rtsp://" in caught.value.next


async def test_nobody_there():
    async with listening() as port:
        pass
    with pytest.raises(ProbeError) as caught:
        await look_at(f"rtsp://127.0.0.1:{port}/live", timeout=5)
    assert caught.value.step is ProbeStep.ADDRESS
    assert "refused" in caught.value.why.lower()


async def test_somebody_who_never_answers():
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ProbeError) as caught:
        await look_at(f"rtsps://127.0.0.1:{port}/live", timeout=0.2)
    server.close()
    assert caught.value.step is ProbeStep.ADDRESS
    assert "did not answer" in caught.value.what


@pytest.mark.parametrize(
    "url", ["", "camera", "http://192.0.2.7/", "rtsp://", "rtsp://[::1", "rtsp://h:99999/", "ftp://h/"]
)
async def test_what_is_no_address(url):
    with pytest.raises(ProbeError) as caught:
        await look_at(url, timeout=1)
    assert caught.value.step is ProbeStep.ADDRESS


class Door:
    """A camera's pairing, as it may answer."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.status, self.answer = 201, json.dumps({"name": "recorder-R1", "secret": "s3cret", "rtsp_port": 8554})

    async def pair(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        location = {"Location": "https://elsewhere/"} if self.status == 307 else None
        return web.Response(status=self.status, text=self.answer, content_type="application/json", headers=location)

    @contextlib.asynccontextmanager
    async def open(self, context):
        app = web.Application()
        app.router.add_post("/api/v1/pair", self.pair)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        try:
            yield f"https://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        finally:
            await runner.cleanup()


async def ask(url, pin, **more):
    return await ask_to_pair(
        url,
        pin=pin,
        proof=b"proof",
        owner_key=b"owner",
        recorder_certificate=b"certificate",
        recorder_name="recorder R1/ü",
        clock=SystemClock(),
        **more,
    )


async def test_pairing_gives_a_name_a_secret_and_the_stream(device, device_tls):
    door = Door()
    async with door.open(device_tls) as url:
        paired = await ask(url + "/setup", device.fingerprint)
    assert (paired.name, paired.secret.reveal(), paired.stream_url) == (
        "recorder-R1",
        "s3cret",
        "rtsps://127.0.0.1:8554/stream1",
    )
    assert "s3cret" not in repr(paired)
    [asked] = door.asked
    assert base64.b64decode(asked["proof"]) == b"proof"
    assert base64.b64decode(asked["owner_key"]) == b"owner"
    assert base64.b64decode(asked["recorder_certificate"]) == b"certificate"
    assert asked["name"] == "recorder-R1-"


async def test_another_device_gets_nothing(device_tls):
    door = Door()
    async with door.open(device_tls) as url:
        with pytest.raises(ProbeError) as caught:
            await ask(url, bytes(32))
    assert caught.value.step is ProbeStep.CERTIFICATE
    assert door.asked == []


async def test_a_refusal_is_told_in_the_cameras_words(device, device_tls):
    door = Door()
    door.status = 409
    door.answer = json.dumps({"code": "CLAIMED", "what": "This camera has an owner", "why": "w", "next": "n"})
    async with door.open(device_tls) as url:
        with pytest.raises(ProbeError) as caught:
            await ask(url, device.fingerprint)
    error = caught.value
    assert (error.step, error.what, error.why, error.next) == (ProbeStep.PAIR, "This camera has an owner", "w", "n")


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, "no JSON"), (200, "[]"), (201, "{}"), (201, '{"name": "x", "secret": "y", "rtsp_port": "a"}'), (307, "{}")]
    + [(200, "{" + " " * ANSWER_LIMIT + "}")],
)  # fmt: skip
async def test_an_answer_that_is_none(device, device_tls, status, answer):
    door = Door()
    door.status, door.answer = status, answer
    async with door.open(device_tls) as url:
        with pytest.raises(ProbeError) as caught:
            await ask(url, device.fingerprint)
    assert caught.value.step is ProbeStep.PAIR


async def test_pairing_with_nobody(device):
    async with listening() as port:
        pass
    for url, step in ((f"https://127.0.0.1:{port}", ProbeStep.ADDRESS), ("http://127.0.0.1/", ProbeStep.ADDRESS)):
        with pytest.raises(ProbeError) as caught:
            await ask(url, device.fingerprint)
        assert caught.value.step is step


async def test_pairing_with_somebody_who_never_answers(device, device_tls):
    async with listening(device_tls) as port:
        with pytest.raises(ProbeError) as caught:
            await ask(f"https://127.0.0.1:{port}", device.fingerprint, timeout=0.3)
    assert caught.value.step is ProbeStep.ADDRESS
