"""What the local console of a recorder can be asked: its cameras, their state, adding one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict

from cryptography.hazmat.primitives.serialization import Encoding

from camward.app.console import Verb
from camward.app.device import Ground
from camward.app.settings import RecorderSettings
from camward.app.verbs import word
from camward.base.errors import CamwardError
from camward.base.secret import Secret
from camward.recorder import CameraEntry, Recorder


def recorder_verbs(ground: Ground[RecorderSettings], recorder: Recorder) -> dict[str, Verb]:
    """The verbs of a recorder, beside those of every device."""

    async def cameras(_: Mapping[str, object]) -> object:
        return [{"id": name, **entry.model_dump(mode="json")} for name, entry in recorder.cameras.list().items()]

    async def status(_: Mapping[str, object]) -> object:
        return [asdict(item) for item in recorder.statuses()]

    async def storage(_: Mapping[str, object]) -> object:
        return asdict(await recorder.storage())

    async def probe_address(asked: Mapping[str, object]) -> object:
        found = await recorder.probe_address(word(asked, "url"))
        return {**asdict(found), "fingerprint": found.fingerprint.hex() if found.fingerprint else ""}

    async def pair_camera(asked: Mapping[str, object]) -> object:
        camera = await recorder.pair(
            word(asked, "url"),
            pin=bytes.fromhex(word(asked, "pin")),
            proof=packed(asked, "proof"),
            owner_key=packed(asked, "owner_key"),
            recorder_certificate=ground.identity.certificate.public_bytes(Encoding.DER),
            name=word(asked, "name"),
            who=word(asked, "who"),
        )
        return {"id": camera}

    async def add_camera(asked: Mapping[str, object]) -> object:
        entry = CameraEntry(
            name=word(asked, "name"),
            url=word(asked, "url"),
            username=word(asked, "username"),
            pin=word(asked, "pin") or None,
        )
        secret = word(asked, "secret")
        camera = await recorder.add_camera(entry, Secret(secret) if secret else None, who=word(asked, "who"))
        return {"id": camera}

    return {
        "cameras": cameras,
        "status": status,
        "storage": storage,
        "probe_address": probe_address,
        "pair_camera": pair_camera,
        "add_camera": add_camera,
    }


def packed(asked: Mapping[str, object], name: str) -> bytes:
    """Bytes among the arguments, as base64.

    Raises:
        CamwardError: they are missing, or not base64.
    """
    try:
        return base64.b64decode(word(asked, name), validate=True)
    except (binascii.Error, ValueError):
        raise CamwardError(f"the argument {name} is not base64") from None
