"""THE one table of who may do what. Web, API, WebSocket and RTSP all ask `may`, and nothing else decides."""

from __future__ import annotations

from enum import StrEnum

from camward.access.principal import Kind, Principal, Role, Scope


class Action(StrEnum):
    """Everything that can be asked of a device. Each route and each RTSP method has one."""

    # Open to nobody; each of them checks what it needs by itself (claim code, password, proof).
    PUBLIC = "public"
    """Static files, `/healthz`, `security.txt`, the root certificate."""
    LOGIN = "login"
    CLAIM = "claim"
    """First access: the claim page and what it calls. Refused by `Claim` once there is an administrator."""
    PAIR = "pair"
    """A recorder presents its proof to an unclaimed camera; the proof is the authority."""

    OWN_ACCOUNT = "own_account"
    """See who one is, change one's own password, log out, end one's own sessions."""

    LIVE = "live"
    SNAPSHOT = "snapshot"
    PICTURE = "picture"
    """Change picture settings, overlay, privacy zones."""
    RECORDED = "recorded"
    """Timeline and playback."""
    EXPORT = "export"
    PIN = "pin"
    """Keep a range from being deleted, or let go of it."""

    STATUS = "status"
    EVENTS = "events"
    ACKNOWLEDGE = "acknowledge"
    CAMERAS_READ = "cameras_read"
    CAMERAS_MANAGE = "cameras_manage"
    SETTINGS_READ = "settings_read"
    SETTINGS_CHANGE = "settings_change"
    USERS = "users"
    CLIENTS = "clients"
    JOURNAL = "journal"
    METRICS = "metrics"


OPEN = frozenset({Action.PUBLIC, Action.LOGIN, Action.CLAIM, Action.PAIR})
"""What anybody may try."""

PER_CAMERA = frozenset(
    {
        Action.LIVE,
        Action.SNAPSHOT,
        Action.PICTURE,
        Action.RECORDED,
        Action.EXPORT,
        Action.PIN,
        Action.CAMERAS_MANAGE,
    }
)
"""Always about one camera: a person restricted to some cameras is refused when no camera is named."""

_LIVE_ONLY = OPEN | {Action.OWN_ACCOUNT, Action.LIVE, Action.SNAPSHOT}
_CAMERA_CONTROL = _LIVE_ONLY | {Action.PICTURE, Action.STATUS, Action.EVENTS, Action.ACKNOWLEDGE}
_VIEWER = OPEN | {Action.OWN_ACCOUNT, Action.LIVE, Action.SNAPSHOT, Action.RECORDED, Action.CAMERAS_READ}
_OPERATOR = _VIEWER | {Action.EXPORT, Action.STATUS, Action.EVENTS, Action.ACKNOWLEDGE}
_MANAGER = _OPERATOR | {
    Action.PICTURE,
    Action.PIN,
    Action.CAMERAS_MANAGE,
    Action.SETTINGS_READ,
    Action.JOURNAL,
    Action.METRICS,
}

BY_ROLE: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(Action),
    Role.CAMERA_CONTROL: _CAMERA_CONTROL,
    Role.LIVE_ONLY: _LIVE_ONLY,
    Role.MANAGER: _MANAGER,
    Role.OPERATOR: _OPERATOR,
    Role.VIEWER: _VIEWER,
}

BY_SCOPE: dict[Scope, frozenset[Action]] = {
    Scope.STREAMS: OPEN | {Action.LIVE, Action.SNAPSHOT, Action.STATUS},
    Scope.SEALED_ONLY: OPEN | {Action.LIVE, Action.STATUS},
}


def may(principal: Principal, action: Action, resource: str = "") -> bool:
    """Whether a principal may do this.

    Lists (events, cameras, status) are asked for without a resource; who restricts a person to some cameras also
    filters what a list shows, with `may(principal, Action.CAMERAS_READ, camera)`.

    Args:
        resource: camera id on a recorder, stream name on a camera; empty: the device itself.
    """
    return may_somewhere(principal, action) and _reaches(principal, action, resource)


def may_somewhere(principal: Principal, action: Action) -> bool:
    """Whether there is anything on which a principal may do this: for menus and buttons, never to let one through."""
    return action in _allowed(principal)


def _allowed(principal: Principal) -> frozenset[Action]:
    if principal.kind is Kind.USER and principal.role is not None:
        return BY_ROLE[principal.role]
    if principal.kind is Kind.CLIENT and principal.scope is not None:
        return BY_SCOPE[principal.scope]
    return OPEN


def _reaches(principal: Principal, action: Action, resource: str) -> bool:
    if principal.cameras is None or action in OPEN:
        return True
    return resource in principal.cameras if resource else action not in PER_CAMERA
