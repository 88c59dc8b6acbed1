"""Logging in and out, and what one's browser asks of itself."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SecretStr

from camward.access import Action, judge_password
from camward.base.secret import Secret
from camward.web.admission import COOKIE, NotLoggedInError, OurSite, Who, address_of
from camward.web.pages import level_name
from camward.web.routing import Routes

routes = Routes()

Name = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[SecretStr, Field(max_length=1024)]


class LoginForm(BaseModel):
    """Name and password of a person."""

    name: Name
    password: Password


class PasswordToJudge(BaseModel):
    """A password that somebody is typing."""

    name: Annotated[str, Field(max_length=64)] = ""
    password: Password


def secret(password: SecretStr) -> Secret[str]:
    """A password from a request, as the rest of the house keeps it."""
    return Secret(password.get_secret_value())


@routes.post("/api/v1/session", Action.LOGIN)
async def log_in(request: Request, site: OurSite, form: LoginForm) -> Response:
    """Log in; the session is a cookie, `csrf` goes into the X-CSRF-Token header of every change."""
    session = await site.access.login(form.name, secret(form.password), address=address_of(request))
    response = JSONResponse({"name": session.principal.name, "role": session.principal.role, "csrf": session.csrf})
    response.set_cookie(COOKIE, session.token.reveal(), path="/", secure=True, httponly=True, samesite="strict")
    return response


@routes.get("/api/v1/session", Action.OWN_ACCOUNT)
async def who_am_i(who: Who) -> dict[str, str]:
    """Who is logged in."""
    return {
        "name": who.principal.name,
        "kind": who.principal.kind,
        "role": who.principal.role or "",
        "level": level_name(who.principal.role),
        "csrf": who.csrf,
    }


@routes.delete("/api/v1/session", Action.OWN_ACCOUNT)
async def log_out(site: OurSite, who: Who) -> Response:
    """Log out: the session ends on the device, not only in the browser."""
    if who.session:
        site.access.sessions.end(who.session.token.reveal())
        await site.journal.record(
            "logout", who=who.principal.name, where=who.address, what=f"{who.principal.name} has logged out"
        )
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return response


@routes.post("/api/v1/password-verdict", Action.CLAIM)
async def judge(site: OurSite, who: Who, form: PasswordToJudge) -> dict[str, object]:
    """Whether a password would be taken, and why not. Nothing is kept."""
    if site.access.claimed and not who.logged_in:
        raise NotLoggedInError([])
    minimum = site.settings.current.access.password_length
    verdict = await asyncio.to_thread(judge_password, secret(form.password), form.name, minimum=minimum)
    return {
        "ok": verdict.ok,
        "sentence": verdict.sentence,
        "strength": verdict.strength,
        "length": verdict.length,
        "minimum": verdict.minimum,
    }
