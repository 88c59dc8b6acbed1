"""First access: making the administrator with the claim code, and a recorder's pairing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field, SecretStr

from camward.access import Action
from camward.base.errors import ProtocolError
from camward.web.admission import OurSite, address_of
from camward.web.api.session import Name, Password, secret
from camward.web.routing import Routes

routes = Routes()

Base64 = Annotated[str, Field(max_length=8192)]
Code = Annotated[SecretStr, Field(min_length=1, max_length=128)]


class EncodingError(ProtocolError):
    """Bytes that are not written as base64."""

    code = "BASE64"


class CodeToCheck(BaseModel):
    """A claim code."""

    code: Code


class ClaimForm(BaseModel):
    """What makes the administrator. `owner_key`: public key, DER SubjectPublicKeyInfo, base64."""

    code: Code
    name: Name
    password: Password
    owner_key: Base64 | None = None


class PairForm(BaseModel):
    """A recorder's proof (HMAC-SHA256), the owner's public key and the recorder's certificate, all base64."""

    proof: Base64
    owner_key: Base64
    recorder_certificate: Base64
    name: Name


def unpack(text: str, what: str) -> bytes:
    """Base64 to bytes.

    Raises:
        EncodingError: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EncodingError(f"The {what} is not base64", why=str(error)) from None


@routes.post("/api/v1/claim/code", Action.CLAIM)
async def check_code(request: Request, site: OurSite, form: CodeToCheck) -> dict[str, object]:
    """Whether this is the claim code; it is not spent by asking, and wrong ones count."""
    await site.access.claim.check(secret(form.code), address=address_of(request))
    return {"ok": True, "owned": site.access.claim.owner_key is not None}


@routes.post("/api/v1/claim", Action.CLAIM, status=201)
async def claim(request: Request, site: OurSite, form: ClaimForm) -> dict[str, object]:
    """Make the administrator; the claim code is spent with it."""
    owner_key = unpack(form.owner_key, "owner's key") if form.owner_key else None
    await site.access.claim.make_administrator(
        secret(form.code), form.name, secret(form.password), owner_key, address=address_of(request)
    )
    return {"name": form.name}


@routes.post("/api/v1/pair", Action.PAIR, status=201)
async def pair(request: Request, site: OurSite, form: PairForm) -> dict[str, object]:
    """Pair a recorder with this unclaimed camera: it gets a client secret that is good for sealed streams only.

    The answer names the port of the streams, too: the recorder knows but the one of these pages.
    """
    client = await site.access.pair(
        unpack(form.proof, "proof"),
        unpack(form.owner_key, "owner's key"),
        unpack(form.recorder_certificate, "recorder's certificate"),
        name=form.name,
        address=address_of(request),
    )
    streams: Callable[[], int] | None = getattr(request.app.state.parts, "rtsp_port", None)  # a camera's
    port = {"rtsp_port": streams()} if streams else {}
    return {"name": client.name, "secret": client.secret.reveal(), **port}
