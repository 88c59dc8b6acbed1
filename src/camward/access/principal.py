"""Who asks: nobody yet, a person with a role, or a program with a scope."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Device(StrEnum):
    """What kind of device this is; roles differ."""

    CAMERA = "camera"
    RECORDER = "recorder"


class Role(StrEnum):
    """What a person may do (white paper 3.2); the value is the stable name in files and the API."""

    ADMINISTRATOR = "administrator"
    CAMERA_CONTROL = "camera_control"
    LIVE_ONLY = "live_only"
    MANAGER = "manager"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What a client secret is good for.

    A sealed-only client gets a stream in no form but the sealed one; the recorder is one.
    """

    STREAMS = "streams"
    SEALED_ONLY = "sealed_only"


class Kind(StrEnum):
    """Kinds of principals."""

    NOBODY = "nobody"
    USER = "user"
    CLIENT = "client"


ROLES: dict[Device, tuple[Role, ...]] = {
    Device.CAMERA: (Role.ADMINISTRATOR, Role.CAMERA_CONTROL, Role.LIVE_ONLY),
    Device.RECORDER: (Role.ADMINISTRATOR, Role.MANAGER, Role.OPERATOR, Role.VIEWER),
}
"""The roles of each device, the mightiest first; the last one is the default of a new account."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as far as `access` knows.

    Args:
        kind: person, program or nobody.
        name: account or client name; empty for nobody.
        role: a person's role.
        scope: a program's scope.
        cameras: ids of the cameras that a person is restricted to; None: all.
    """

    kind: Kind
    name: str = ""
    role: Role | None = None
    scope: Scope | None = None
    cameras: frozenset[str] | None = None


NOBODY = Principal(Kind.NOBODY)
"""Whoever has not logged in."""
