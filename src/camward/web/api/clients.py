"""Programs: client secrets, shown once, revoked one by one."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel

from camward.access import Action
from camward.access.principal import Scope
from camward.access.records import Client
from camward.web.admission import OurSite, Who
from camward.web.api.session import Name
from camward.web.errors import NotFoundError
from camward.web.routing import Routes

routes = Routes()


class NewClient(BaseModel):
    """A program that gets a secret of its own."""

    name: Name
    scope: Scope = Scope.STREAMS


@routes.get("/api/v1/clients", Action.CLIENTS)
async def clients(site: OurSite) -> list[dict[str, object]]:
    """All programs with a secret."""
    return [client_json(client) for client in site.access.clients.list()]


@routes.post("/api/v1/clients", Action.CLIENTS, status=201)
async def add_client(site: OurSite, who: Who, form: NewClient) -> dict[str, str]:
    """Make a client secret. It is in this answer and nowhere else, ever again."""
    made = await site.access.clients.add(form.name, form.scope, by=who.principal.name, address=who.address)
    return {"name": form.name, "scope": form.scope, "secret": made.reveal()}


@routes.delete("/api/v1/clients/{name}", Action.CLIENTS)
async def revoke_client(site: OurSite, who: Who, name: str) -> Response:
    """Make a client secret worthless at once."""
    if site.access.clients.get(name) is None:
        raise NotFoundError(f'There is no client "{name[:64]}"')
    await site.access.clients.revoke(name, by=who.principal.name, address=who.address)
    return Response(status_code=204)


def client_json(client: Client) -> dict[str, object]:
    """A client as the API shows it."""
    return {
        "name": client.name,
        "scope": client.scope,
        "created": client.created,
        "by": client.by,
        "recorder": client.recorder,
        "last_used": client.last_used,
        "last_address": client.last_address,
    }
