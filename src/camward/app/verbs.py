"""What the local console of every device can be asked: who it is, its claim, its settings."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

from camward.app.console import Verb
from camward.app.device import Ground, M
from camward.app.doors import LiveDoor
from camward.base.errors import CamwardError
from camward.base.secret import Secret
from camward.trust.certificates import common_name
from camward.trust.words import fingerprint_hex


def device_verbs(ground: Ground[M], *, doors: Mapping[str, LiveDoor]) -> dict[str, Verb]:
    """The verbs of both kinds of device.

    Args:
        ground: the device.
        doors: its listeners by name.
    """

    async def about(_: Mapping[str, object]) -> object:
        return describe_device(ground, doors)

    async def claim(asked: Mapping[str, object]) -> object:
        owner_key = asked.get("owner_key")
        await ground.access.claim.make_administrator(
            Secret(word(asked, "code")),
            word(asked, "name"),
            Secret(word(asked, "password")),
            base64.b64decode(str(owner_key)) if owner_key else None,
            address="console",
        )
        return {}

    async def settings_set(asked: Mapping[str, object]) -> object:
        changes = asked.get("changes")
        if not isinstance(changes, dict):
            raise CamwardError("no changes were given")
        await asyncio.to_thread(ground.settings.set, changes, who=word(asked, "who"))
        return {}

    async def settings_replace(asked: Mapping[str, object]) -> object:
        await asyncio.to_thread(ground.settings.replace, word(asked, "text"), who=word(asked, "who"))
        return {}

    async def renew_certificate(_: Mapping[str, object]) -> object:
        ground.renew.set()
        return {}

    return {
        "about": about,
        "claim": claim,
        "settings_set": settings_set,
        "settings_replace": settings_replace,
        "renew_certificate": renew_certificate,
    }


def describe_device(ground: Ground[M], doors: Mapping[str, LiveDoor]) -> dict[str, object]:
    """Who a device is and how it stands, without a secret."""
    identity, problem = ground.identity, ground.settings.problem
    return {
        "device": ground.kind.value,
        "model": common_name(identity.certificate),
        "serial": identity.serial,
        "words": identity.words,
        "fingerprint": fingerprint_hex(identity.fingerprint),
        "tls_fingerprint": identity.tls_fingerprint,
        "provisioned": identity.provisioned,
        "claimed": ground.access.claimed,
        "ports": {name: door.port for name, door in doors.items()},
        "problems": [door.problem for door in doors.values() if door.problem],
        "started": ground.started,
        "settings_problem": None
        if problem is None
        else {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message},
    }


def word(asked: Mapping[str, object], name: str) -> str:
    """A text among the arguments.

    Raises:
        CamwardError: it is missing.
    """
    value = asked.get(name)
    if not isinstance(value, str):
        raise CamwardError(f"the argument {name} is missing")
    return value
