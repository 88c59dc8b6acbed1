"""Pages about people and programs."""

from __future__ import annotations

from fastapi import Request, Response

from camward.access import Action
from camward.access.principal import ROLES, Scope
from camward.web.admission import OurSite, Who
from camward.web.pages import render
from camward.web.routing import Routes

routes = Routes()

SCOPES = {
    Scope.STREAMS: ("Streams", "Players and other makers' recorders"),
    Scope.SEALED_ONLY: ("Sealed streams only", "Recorders that must never hold a picture they can open"),
}


@routes.page("/users", Action.USERS)
async def users(request: Request, site: OurSite, who: Who) -> Response:
    """Users, client secrets, sessions: all that can log in, and all that has."""
    return render(
        request,
        who,
        "users/users.html",
        accounts=site.access.accounts.list(),
        roles=ROLES[site.device],
        clients=site.access.clients.list(),
        scopes=SCOPES,
        sessions=site.access.sessions.list(),
        minimum=site.settings.current.access.password_length,
    )


@routes.page("/account", Action.OWN_ACCOUNT)
async def account(request: Request, site: OurSite, who: Who) -> Response:
    """One's own password and sessions."""
    return render(
        request,
        who,
        "users/account.html",
        sessions=site.access.sessions.list(who.principal.name),
        minimum=site.settings.current.access.password_length,
    )


@routes.page("/journal", Action.JOURNAL)
async def journal(request: Request, who: Who) -> Response:
    """Who did what, when, from where."""
    return render(request, who, "journal.html")


@routes.page("/security", Action.PUBLIC)
async def security(request: Request, who: Who) -> Response:
    """How to report a weakness."""
    return render(request, who, "security.html")
