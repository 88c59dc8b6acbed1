"""API of the camera book: list, change, remove, and the steps of adding a camera.

The steps keep nothing here between two calls: the page sends again what it knows. Nothing is saved before a picture
came, and no password is sent before the page has confirmed the certificate's fingerprint.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import Response
from pydantic import BaseModel, Field

from camward.access.table import Action
from camward.base.errors import ConfigurationError
from camward.base.secret import Secret
from camward.media import codec
from camward.recorder import CameraEntry, ProbeError
from camward.recorder.probe import FoundStream, PeerAddress
from camward.web.admission import Who
from camward.web.errors import NotFoundError
from camward.web.recorder.estimate import days_left, usual_rate
from camward.web.recorder.parts import Parts, RecorderParts
from camward.web.recorder.refusals import refusal, refusals
from camward.web.recorder.shown import CODECS, CameraView, camera_view, camera_views, kept_words
from camward.web.routing import Routes

routes = Routes()

PROBE_SECONDS = 10.0
FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class CamerasView(BaseModel):
    """All cameras that one may see."""

    cameras: list[CameraView]


class Address(BaseModel):
    """Where a camera is."""

    address: str = Field(min_length=1, max_length=1024, description="rtsp(s)://…, https://host, or a host")


class CertificateView(BaseModel):
    """What a person compares before it is pinned."""

    sha256: str = Field(description="of the device's identity certificate, else of the certificate it serves; hex")
    words: str
    subject: str
    serial: str
    identity: bool = Field(description="whether it is the permanent identity of a Camward device")


class Found(BaseModel):
    """What answered at an address."""

    address: str
    stream: str = Field(description="where its main stream should be; rtsp(s)://")
    host: str
    kind: str
    encrypted: bool
    claimable: bool = Field(description="a Camward camera that may be new: pair with its claim code")
    certificate: CertificateView | None


class SignIn(BaseModel):
    """Where and as whom to ask for a picture."""

    address: str = Field(min_length=1, max_length=1024)
    username: str = Field(default="", max_length=128)
    secret: str = Field(default="", max_length=256)
    pin: str | None = Field(default=None, description="the confirmed fingerprint, hex; needed where it is encrypted")


class Still(BaseModel):
    """One coded key picture, as WebCodecs takes it."""

    codec: str
    description: str = Field(description="avcC or hvcC, base64")
    width: int
    height: int
    data: str = Field(description="base64")


class Seen(BaseModel):
    """What a camera sends."""

    codec_name: str
    width: int
    height: int
    frame_rate: float
    audio: str
    kbit_s: float = Field(description="what a camera with such pictures usually sends")
    days: float | None = Field(description="how long the free space lasts with it")
    picture: Still


class NewCamera(SignIn):
    """A camera to save."""

    name: str = Field(min_length=1, max_length=64)
    kind: str = Field(default="rtsp", pattern="^(camward|rtsp)$")
    stream2_address: str | None = Field(default=None, max_length=1024)
    keep_days: int | None = Field(default=None, ge=1, le=3650)
    keep_gb: int | None = Field(default=None, ge=1, le=1_000_000)


class Pairing(BaseModel):
    """A proof of a new camera's claim code, made where the code is known; never the code itself."""

    address: str = Field(min_length=1, max_length=1024)
    pin: str = Field(description="fingerprint of the camera's identity, hex; the proof is made over it")
    proof: str = Field(pattern="^[0-9a-f]{64}$", description="HMAC-SHA256, hex")
    name: str = Field(min_length=1, max_length=64)


class Change(BaseModel):
    """What to change of a camera; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=64)
    enabled: bool | None = None
    keep_days: int | None = Field(default=None, ge=1, le=3650)
    keep_gb: int | None = Field(default=None, ge=1, le=1_000_000)
    username: str | None = Field(default=None, max_length=128)
    secret: str | None = Field(default=None, min_length=1, max_length=256)


@routes.get("/api/v1/cameras", Action.CAMERAS_READ)
async def cameras(parts: Parts, who: Who) -> CamerasView:
    """The cameras that one may see, by name, with their states."""
    return CamerasView(cameras=camera_views(parts.recorder, who, None))


@routes.get("/api/v1/cameras/{camera_id}", Action.CAMERAS_READ, resource="camera_id")
async def camera(parts: Parts, who: Who, camera_id: str) -> CameraView:
    """One camera."""
    return await one_view(parts, who, camera_id)


@routes.post("/api/v1/cameras/look", Action.CAMERAS_MANAGE)
async def look(parts: Parts, where: Address) -> Found:
    """Step 1: what answers at an address, and which certificate it shows. Nothing is sent to it but a greeting.

    A host alone is asked by HTTPS; if nobody is there, by RTSP.
    """
    address = complete_address(where.address)
    try:
        peer = await parts.recorder.probe_address(address, timeout=PROBE_SECONDS)
    except ProbeError as error:
        if "://" in where.address:
            raise refusal(error) from error
        try:
            peer = await parts.recorder.probe_address(f"rtsp://{where.address.strip()}", timeout=PROBE_SECONDS)
        except ProbeError:
            raise refusal(error) from error
    return _found(peer)


@routes.post("/api/v1/cameras/try", Action.CAMERAS_MANAGE)
async def try_stream(parts: Parts, sign_in: SignIn) -> Seen:
    """Steps 2 to 4: sign in to exactly the confirmed device and wait for its first key picture. Nothing is saved."""
    with refusals():
        found = await parts.recorder.probe_stream(
            stream_address(sign_in.address),
            username=sign_in.username,
            password=Secret(sign_in.secret) if sign_in.secret else None,
            pin=read_pin(sign_in.pin),
        )
    return _seen(found, days=await days_left(parts.recorder, kbit_s=usual_rate(found.format.video)))


@routes.post("/api/v1/cameras", Action.CAMERAS_MANAGE, status=201)
async def add(parts: Parts, who: Who, new: NewCamera) -> CameraView:
    """Step 5: save a camera. It is asked for a picture once more; without one nothing is saved."""
    pin = read_pin(new.pin)
    entry = CameraEntry(
        name=new.name,
        url=stream_address(new.address),
        stream2_url=new.stream2_address,
        username=new.username,
        pin=pin.hex() if pin else None,
        kind="camward" if new.kind == "camward" else "rtsp",
        keep_days=new.keep_days,
        keep_gb=new.keep_gb,
    )
    password = Secret(new.secret) if new.secret else None
    with refusals():
        camera_id = await parts.recorder.add_camera(entry, password, who=who.principal.name)
    return await one_view(parts, who, camera_id)


@routes.post("/api/v1/cameras/pair", Action.CAMERAS_MANAGE, status=201)
async def pair(parts: Parts, who: Who, pairing: Pairing) -> CameraView:
    """Pair with a new Camward camera and save it: it pins the owner's key and gives this recorder a secret."""
    owner_key = parts.access.claim.owner_key
    if owner_key is None:
        raise ConfigurationError(
            "This recorder has no owner's key",
            why="its administrator was made without one",
            next="make a client secret on the camera's own page, and add the camera with that",
        )
    pin = read_pin(pairing.pin)
    assert pin is not None
    with refusals():
        camera_id = await parts.recorder.pair(
            https_address(pairing.address),
            pin=pin,
            proof=bytes.fromhex(pairing.proof),
            owner_key=owner_key,
            recorder_certificate=certificate_of(parts),
            name=pairing.name,
            who=who.principal.name,
        )
    return await one_view(parts, who, camera_id)


@routes.patch("/api/v1/cameras/{camera_id}", Action.CAMERAS_MANAGE, resource="camera_id")
async def change(parts: Parts, who: Who, camera_id: str, wanted: Change) -> CameraView:
    """Change a camera."""
    changes = wanted.model_dump(exclude_unset=True, exclude={"secret"})
    for name in ("name", "enabled", "username"):
        if name in changes and changes[name] is None:
            del changes[name]
    password = Secret(wanted.secret) if wanted.secret else None
    with refusals():
        await parts.recorder.cameras.change(camera_id, changes, who=who.principal.name, password=password)
    return await one_view(parts, who, camera_id)


@routes.delete("/api/v1/cameras/{camera_id}", Action.CAMERAS_MANAGE, resource="camera_id")
async def remove(parts: Parts, who: Who, camera_id: str) -> Response:
    """Stop recording a camera and forget it; what was recorded stays until its days are over."""
    with refusals():
        await parts.recorder.cameras.remove(camera_id, who=who.principal.name)
    return Response(status_code=204)


async def one_view(parts: RecorderParts, who: Who, camera_id: str) -> CameraView:
    """A camera of the book as a visitor may see it.

    Raises:
        NotFoundError: there is none.
    """
    with refusals():
        entry = parts.recorder.cameras.get(camera_id)
    kept = kept_words(await parts.recorder.storage(), camera_id)
    return camera_view(parts.recorder, camera_id, entry, who, kept=kept)


def certificate_of(parts: RecorderParts) -> bytes:
    """This recorder's identity certificate, DER: a part of what a pairing proof is made over."""
    return parts.identity.certificate.public_bytes(Encoding.DER)


def complete_address(text: str) -> str:
    """What people type, as an address with a scheme: a bare host is asked by HTTPS first.

    Raises:
        ConfigurationError: not an address, or a password in it.
    """
    word = text.strip()
    if any(letter.isspace() or not letter.isprintable() for letter in word) or not word:
        raise ConfigurationError("That is no address", next="write it like 192.168.1.40", code="CAMERA-ADDRESS")
    scheme, separator, rest = word.partition("://")
    if not separator:
        scheme, rest = "https", word
    if scheme.lower() not in ("https", "rtsp", "rtsps"):
        raise ConfigurationError(
            f'An address can\'t begin with "{scheme[:20]}://"', next="use rtsps://, rtsp:// or https://",
            code="CAMERA-ADDRESS",
        )  # fmt: skip
    if "@" in rest.split("/", 1)[0]:
        raise ConfigurationError(
            "An address must not carry a password", why="it would be shown and logged",
            next="leave it out; the next step asks for it", code="CAMERA-ADDRESS",
        )  # fmt: skip
    if not rest.split("/", 1)[0]:
        raise ConfigurationError("The address has no host", next="write it like 192.168.1.40", code="CAMERA-ADDRESS")
    return f"{scheme.lower()}://{rest}"


def stream_address(text: str) -> str:
    """Where pictures come from.

    Raises:
        ConfigurationError: it is another kind of address.
    """
    address = complete_address(text)
    if address.startswith("https://"):
        raise ConfigurationError(
            "A stream's address begins with rtsp:// or rtsps://",
            next="write it like rtsps://192.168.1.40/stream1",
            code="CAMERA-ADDRESS",
        )
    return address


def https_address(text: str) -> str:
    """The web address of a Camward camera.

    Raises:
        ConfigurationError: it is another kind of address.
    """
    address = complete_address(text)
    if not address.startswith("https://"):
        raise ConfigurationError(
            "Pairing needs the camera's https:// address", next="give its host alone", code="CAMERA-ADDRESS"
        )
    return address


def read_pin(text: str | None) -> bytes | None:
    """A fingerprint in hex, colons allowed.

    Raises:
        ConfigurationError: it is none.
    """
    if not text:
        return None
    plain = text.replace(":", "").lower()
    if not FINGERPRINT.fullmatch(plain):
        raise ConfigurationError(
            "That is no fingerprint", next="it has 64 hexadecimal digits", code="CAMERA-CERTIFICATE"
        )
    return bytes.fromhex(plain)


def _found(peer: PeerAddress) -> Found:
    certificate = None
    if peer.fingerprint is not None:
        certificate = CertificateView(
            sha256=peer.fingerprint.hex(":").upper(),
            words=peer.words,
            subject=peer.subject,
            serial=peer.serial,
            identity=peer.camward,
        )
    parts = urlsplit(peer.url)
    secure = parts.scheme == "https"
    return Found(
        address=peer.url,
        stream=f"rtsps://{_host(parts.hostname or '')}/stream1" if secure else peer.url,
        host=parts.netloc,
        kind="camward" if peer.camward else "rtsp",
        encrypted=peer.tls,
        claimable=peer.camward and secure and peer.claimed is not True,
        certificate=certificate,
    )


def _seen(found: FoundStream, *, days: float | None) -> Seen:
    video, audio = found.format.video, found.format.audio
    return Seen(
        codec_name=CODECS.get(video.codec, video.codec),
        width=video.width,
        height=video.height,
        frame_rate=round(video.frame_rate, 2),
        audio="" if audio is None else {"aac": "AAC", "opus": "Opus"}[audio.codec],
        kbit_s=usual_rate(video),
        days=days,
        picture=Still(
            codec=codec.codec_string(video),
            description=base64.b64encode(codec.decoder_config(video)).decode(),
            width=video.width,
            height=video.height,
            data=base64.b64encode(found.picture.data).decode(),
        ),
    )


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def camera_or_404(parts: RecorderParts, who: Who, camera_id: str) -> CameraEntry:
    """An entry of the book.

    Raises:
        NotFoundError: there is none that this visitor may see.
    """
    entry = parts.recorder.cameras.list().get(camera_id)
    if entry is None or not who.may(Action.CAMERAS_READ, camera_id):
        raise NotFoundError(f'There is no camera "{camera_id[:40]}"', next="see the list of cameras")
    return entry
