"""People: list, add, change, remove; their sessions; one's own password."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response
from pydantic import BaseModel

from camward.access import Action
from camward.access.principal import ROLES, Role
from camward.access.records import Account
from camward.access.sessions import SessionInfo
from camward.web.admission import OurSite, Visitor, Who
from camward.web.api.session import Name, Password, secret
from camward.web.errors import NotFoundError
from camward.web.pages import level_name
from camward.web.routing import Routes
from camward.web.site import Site

routes = Routes()


class NewUser(BaseModel):
    """An account to be made. `cameras`: restricted to these; null: all."""

    name: Name
    password: Password
    role: Role
    cameras: list[str] | None = None


class UserChange(BaseModel):
    """What is to be changed of an account; what is not named stays."""

    password: Password | None = None
    role: Role | None = None
    cameras: list[str] | None = None


class PasswordChange(BaseModel):
    """One's own password."""

    old: Password
    new: Password


@routes.get("/api/v1/users", Action.USERS)
async def users(site: OurSite) -> dict[str, object]:
    """All accounts, and the roles that this device knows."""
    return {
        "users": [user_json(account) for account in site.access.accounts.list()],
        "roles": list(ROLES[site.device]),
    }


@routes.post("/api/v1/users", Action.USERS, status=201)
async def add_user(site: OurSite, who: Who, form: NewUser) -> dict[str, object]:
    """Make an account."""
    await site.access.accounts.add(
        form.name,
        secret(form.password),
        form.role,
        cameras=_cameras(form.cameras),
        by=who.principal.name,
        address=who.address,
    )
    return user_json(_known(site, form.name))


@routes.patch("/api/v1/users/{name}", Action.USERS)
async def change_user(site: OurSite, who: Who, name: str, form: UserChange) -> dict[str, object]:
    """Change level, cameras or password. A new password or a lower level ends that account's sessions."""
    accounts, by = site.access.accounts, who.principal.name
    if form.role is not None or "cameras" in form.model_fields_set:
        account = _known(site, name)
        cameras = _cameras(form.cameras) if "cameras" in form.model_fields_set else account.cameras
        await accounts.change(name, form.role or account.role, cameras, by=by, address=who.address)
    if form.password is not None:
        await accounts.set_password(name, secret(form.password), by=by, address=who.address)
    return user_json(_known(site, name))


@routes.delete("/api/v1/users/{name}", Action.USERS)
async def remove_user(site: OurSite, who: Who, name: str) -> Response:
    """Remove an account; the last administrator stays."""
    _known(site, name)
    await site.access.accounts.remove(name, by=who.principal.name, address=who.address)
    return Response(status_code=204)


@routes.get("/api/v1/sessions", Action.USERS)
async def sessions(site: OurSite, who: Who) -> list[dict[str, object]]:
    """All sessions of people at browsers."""
    return [session_json(session, who) for session in site.access.sessions.list()]


@routes.delete("/api/v1/sessions/{session_id}", Action.USERS)
async def end_session(site: OurSite, who: Who, session_id: str) -> Response:
    """Log somebody out."""
    await _end(site, who, session_id, site.access.sessions.list())
    return Response(status_code=204)


@routes.get("/api/v1/account/sessions", Action.OWN_ACCOUNT)
async def own_sessions(site: OurSite, who: Who) -> list[dict[str, object]]:
    """One's own sessions."""
    return [session_json(session, who) for session in site.access.sessions.list(who.principal.name)]


@routes.delete("/api/v1/account/sessions/{session_id}", Action.OWN_ACCOUNT)
async def end_own_session(site: OurSite, who: Who, session_id: str) -> Response:
    """Log oneself out at another browser."""
    await _end(site, who, session_id, site.access.sessions.list(who.principal.name))
    return Response(status_code=204)


@routes.put("/api/v1/account/password", Action.OWN_ACCOUNT)
async def own_password(site: OurSite, who: Who, form: PasswordChange) -> dict[str, bool]:
    """Change one's own password; one's other sessions end."""
    await site.access.check_password(who.principal.name, secret(form.old), address=who.address)
    await site.access.accounts.set_password(
        who.principal.name,
        secret(form.new),
        by=who.principal.name,
        address=who.address,
        keep_session=who.session.id if who.session else "",
    )
    return {"ok": True}


def user_json(account: Account) -> dict[str, object]:
    """An account as the API shows it."""
    return {
        "name": account.name,
        "role": account.role,
        "level": level_name(account.role),
        "cameras": None if account.cameras is None else sorted(account.cameras),
        "created": account.created,
        "password_changed": account.changed,
        "last_login": account.last_login,
    }


def session_json(session: SessionInfo, who: Visitor) -> dict[str, object]:
    """A session as the API shows it."""
    return {
        "id": session.id,
        "name": session.name,
        "created": session.created,
        "seen": session.seen,
        "address": session.address,
        "this": who.session is not None and who.session.id == session.id,
    }


def _known(site: Site, name: str) -> Account:
    found = site.access.accounts.get(name)
    if found is None:
        raise NotFoundError(f'There is no user "{name[:64]}"')
    return found


def _cameras(cameras: list[str] | None) -> frozenset[str] | None:
    return None if cameras is None else frozenset(cameras)


async def _end(site: Site, who: Visitor, session_id: str, among: Sequence[SessionInfo]) -> None:
    session = next((session for session in among if session.id == session_id), None)
    if session is None or not site.access.sessions.end_id(session_id):
        raise NotFoundError("This session has ended already")
    await site.journal.record(
        "session_ended", who=who.principal.name, where=who.address, what=f"ended a session of {session.name}"
    )
