"""First access of a demo's devices: cameras paired with the recorder by their claim codes, administrators made."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding

from camward.access import pairing_proof
from camward.app.console import ask
from camward.app.demo.layout import DemoDevice, Layout
from camward.app.provision import claim_code, identity_of
from camward.base.errors import CamwardError
from camward.base.secret import Secret
from camward.trust.keys import spki


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who is made the administrator of every device."""

    name: str
    password: Secret[str]


async def pair_camera(layout: Layout, camera: DemoDevice) -> bool:
    """Pair a camera with the recorder, unless the recorder knows it. Returns whether that was done now.

    The recorder never sees the claim code: it gets the proof that the code's holder wants this very recorder.

    Raises:
        CamwardError: the camera has an owner already, or the two can't reach each other.
    """
    identity = identity_of(camera.state)
    known = cast("list[Mapping[str, object]]", await _ask(layout.recorder, "cameras"))
    if any(entry.get("pin") == identity.fingerprint.hex() for entry in known):
        return False
    if (await about(camera))["claimed"]:
        raise CamwardError(
            f"{camera.name} has an administrator already, so its claim code is spent",
            next="add it on the recorder's page Cameras, with a client secret made on the camera's page",
            code="DEMO-CLAIMED",
        )
    owner = spki(layout.owner_key().public_key)
    code = await asyncio.to_thread(claim_code, camera.state)
    recorder = identity_of(layout.recorder.state).certificate
    proof = pairing_proof(
        code,
        fingerprint=identity.fingerprint,
        owner_key=owner,
        recorder_certificate=recorder.public_bytes(Encoding.DER),
    )
    await _ask(
        layout.recorder,
        "pair_camera",
        {
            "url": f"https://127.0.0.1:{camera.https}",
            "name": camera.name.replace("camera", "Camera "),
            "pin": identity.fingerprint.hex(),
            "owner_key": base64.b64encode(owner).decode(),
            "proof": base64.b64encode(proof).decode(),
            "who": "demo",
        },
    )
    return True


async def make_administrator(layout: Layout, device: DemoDevice, who: Administrator) -> bool:
    """Make the administrator with the claim code, unless there is one. Returns whether that was done now.

    Raises:
        CamwardError: name or password is refused.
    """
    if (await about(device))["claimed"]:
        return False
    asked = {
        "code": (await asyncio.to_thread(claim_code, device.state)).reveal(),
        "name": who.name,
        "password": who.password.reveal(),
        "owner_key": base64.b64encode(spki(layout.owner_key().public_key)).decode(),
    }
    await _ask(device, "claim", asked)
    return True


async def about(device: DemoDevice) -> Mapping[str, object]:
    """What a device says of itself."""
    return cast("Mapping[str, object]", await _ask(device, "about"))


async def claim_code_of(device: DemoDevice) -> str:
    """A device's claim code; empty once it is spent."""
    if (await about(device))["claimed"]:
        return ""
    return (await asyncio.to_thread(claim_code, device.state)).reveal()


async def _ask(device: DemoDevice, verb: str, arguments: Mapping[str, object] | None = None) -> object:
    return await asyncio.to_thread(ask, device.state, verb, arguments)
