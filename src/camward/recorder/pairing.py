"""Pairing with an unclaimed Camward camera: a proof of the claim code goes there, a client secret comes back.

The proof is made by the browser or the local command line. The recorder never sees the code.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from camward.base.clock import Clock
from camward.base.secret import Secret
from camward.recorder.errors import ProbeError, ProbeStep
from camward.trust import Pin, client_context

ANSWER_LIMIT = 64 * 1024
RTSP_PORT = 554


@dataclass(frozen=True, slots=True)
class Paired:
    """What a camera gave.

    Args:
        device: as it calls itself; "Camera" if it doesn't.
        name: to sign in with.
        secret: likewise.
        stream_url: of its main stream.
    """

    device: str
    name: str
    secret: Secret[str]
    stream_url: str


async def ask_to_pair(
    url: str,
    *,
    pin: bytes,
    proof: bytes,
    owner_key: bytes,
    recorder_certificate: bytes,
    recorder_name: str,
    clock: Clock,
    timeout: float = 15.0,  # noqa: ASYNC109 (a person waits for the answer)
) -> Paired:
    """POST /api/v1/pair over TLS held to the pin. See `Recorder.pair`.

    Raises:
        ProbeError: step `address`, `certificate` or `pair`.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ProbeError(ProbeStep.ADDRESS, "Pairing needs the camera's https:// address")
    body = {
        "proof": base64.b64encode(proof).decode(),
        "owner_key": base64.b64encode(owner_key).decode(),
        "recorder_certificate": base64.b64encode(recorder_certificate).decode(),
        "name": re.sub(r"[^A-Za-z0-9._@-]+", "-", recorder_name)[:32] or "recorder",
    }
    context = client_context(Pin.of_certificate(pin), clock)
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout)) as session,
            session.post(
                f"https://{parts.netloc}/api/v1/pair", json=body, ssl=context, allow_redirects=False
            ) as response,
        ):
            answer = await response.content.read(ANSWER_LIMIT)
            status = response.status
    except aiohttp.ClientConnectorCertificateError as error:
        raise _wrong_device(error) from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise _wrong_device(error) from None
        raise ProbeError(
            ProbeStep.ADDRESS,
            f"{parts.netloc} can't be reached",
            why=str(error) or "no answer in time",
            next="check the address",
        ) from None
    return _read(answer, status, host=parts.hostname)


def _read(answer: bytes, status: int, *, host: str) -> Paired:
    try:
        told = json.loads(answer)
        if status not in (200, 201):
            raise ProbeError(
                ProbeStep.PAIR,
                str(told.get("what") or f"The camera refused ({status})"),
                why=str(told.get("why") or ""),
                next=str(told.get("next") or ""),
            )
        port = int(told.get("rtsp_port") or RTSP_PORT)
        shown = f"[{host}]" if ":" in host else host
        return Paired(
            device=str(told.get("device") or "Camera"),
            name=str(told["name"]),
            secret=Secret(str(told["secret"])),
            stream_url=f"rtsps://{shown}:{port}/stream1",
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProbeError(
            ProbeStep.PAIR, f"The camera's answer can't be read ({status})", why="is it a Camward camera?"
        ) from None


def _wrong_device(error: Exception) -> ProbeError:
    return ProbeError(
        ProbeStep.CERTIFICATE,
        "It is not the camera whose certificate was confirmed",
        why=str(error),
        next="look at the address again, and compare the words with the camera's label",
    )
