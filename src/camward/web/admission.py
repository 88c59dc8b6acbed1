"""Who asks, and may they: session or Digest, the one table, forged requests, the unclaimed device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, WebSocket
from starlette.requests import HTTPConnection

from camward.access import NOBODY, Action, Kind, Principal, Session, may, may_somewhere
from camward.base.errors import NotPermittedError
from camward.door.acceptor import plain_address
from camward.web.site import Site, site_of

COOKIE = "__Host-camward"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BEFORE_CLAIM = frozenset({Action.PUBLIC, Action.CLAIM, Action.PAIR})
"""What an unclaimed device answers."""


class UnclaimedError(NotPermittedError):
    """The device has no administrator yet."""

    code = "UNCLAIMED"

    def __init__(self) -> None:
        super().__init__("This device has no administrator yet", next="open its start page and make one")


class NotLoggedInError(NotPermittedError):
    """Nobody is logged in here.

    Args:
        challenges: for programs; none for browsers, which would ask for a password in a window of their own.
    """

    code = "NOT-LOGGED-IN"

    def __init__(self, challenges: list[str]) -> None:
        super().__init__("Nobody is logged in here", next="log in")
        self.challenges = challenges


class NotAllowedError(NotPermittedError):
    """Somebody is logged in, but may not do this."""

    code = "NOT-ALLOWED"

    def __init__(self, principal: Principal) -> None:
        super().__init__(
            "This is not allowed for you",
            why=f"{principal.name} has the level {principal.role or principal.scope}",
            next="ask an administrator",
        )


class ForgedRequestError(NotPermittedError):
    """The request does not come from a page of ours."""

    code = "FORGED-REQUEST"

    def __init__(self, why: str) -> None:
        super().__init__("This request was not made by a page of this device", why=why, next="load the page again")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, from where.

    Args:
        principal: as `access` knows them.
        session: of a person at a browser.
        address: the peer's.
    """

    principal: Principal
    session: Session | None
    address: str

    @property
    def csrf(self) -> str:
        """The token that every change carries; empty without a session."""
        return self.session.csrf if self.session else ""

    @property
    def logged_in(self) -> bool:
        """Whether we know who it is."""
        return self.principal.kind is not Kind.NOBODY

    def may(self, action: Action, resource: str = "") -> bool:
        """Whether they may do this."""
        return may(self.principal, action, resource)

    def may_somewhere(self, action: Action) -> bool:
        """Whether there is anything on which they may do this: for menus, never to let one through."""
        return may_somewhere(self.principal, action)


async def admit(request: Request, action: Action, *, resource: str, page: bool) -> Visitor:
    """The visitor, if they may.

    Raises:
        NotPermittedError: one of the kinds above, or `access`'s DigestRefusedError.
    """
    site = site_of(request)
    if not site.access.claimed and action not in BEFORE_CLAIM:
        raise UnclaimedError
    # Only a program that protects the body as well makes us read it before we know who sends it.
    protected = "auth-int" in request.headers.get("authorization", "")
    visitor = _visitor(site, request, page=page, body=await request.body() if protected else b"")
    if request.method not in SAFE_METHODS:
        await _refuse_forged(request, visitor)
    if not visitor.may(action, _named(request, resource)):
        if visitor.logged_in:
            raise NotAllowedError(visitor.principal)
        raise NotLoggedInError([] if page or COOKIE in request.cookies else site.access.digest.challenges())
    return visitor


async def admit_socket(websocket: WebSocket, action: Action, *, resource: str) -> Visitor | None:
    """The visitor, if they may; else the handshake is refused with 403 and there is none."""
    site = site_of(websocket)
    visitor = Visitor(NOBODY, None, address_of(websocket))
    # A browser always says where a WebSocket comes from; a program has no cookie, so it can't be made to forge.
    if not _foreign(websocket):
        try:
            visitor = _visitor(site, websocket, page=False)
        except NotPermittedError:
            visitor = Visitor(NOBODY, None, address_of(websocket))
    if site.access.claimed and visitor.may(action, _named(websocket, resource)):
        return visitor
    await websocket.close(1008)
    return None


def still_may(site: Site, visitor: Visitor, action: Action, resource: str = "") -> bool:
    """Whether a visitor who was admitted would be now: for what goes on for hours. Counts as use of a session."""
    if visitor.session is not None:
        session = site.access.sessions.get(visitor.session.token.reveal(), address=visitor.address)
        return session is not None and may(session.principal, action, resource)
    return may(site.access.current(visitor.principal), action, resource)


def address_of(connection: HTTPConnection) -> str:
    """The peer's address."""
    return plain_address(connection.client.host) if connection.client else ""


def _visitor(site: Site, connection: HTTPConnection, *, page: bool, body: bytes = b"") -> Visitor:
    address = address_of(connection)
    token = connection.cookies.get(COOKIE)
    if token is not None:
        session = site.access.sessions.get(token, address=address)
        return Visitor(session.principal if session else NOBODY, session, address)
    authorization = connection.headers.get("authorization")
    if authorization is None or page:
        return Visitor(NOBODY, None, address)
    method = str(connection.scope.get("method", "GET"))
    principal = site.access.digest.check(
        method=method, uri=_target(connection), authorization=authorization, address=address, body=body
    )
    return Visitor(principal, None, address)


def _target(connection: HTTPConnection) -> str:
    raw: bytes = connection.scope.get("raw_path") or str(connection.scope["path"]).encode()
    path = raw.split(b"?", 1)[0]
    query: bytes = connection.scope.get("query_string", b"")
    return (path + b"?" + query if query else path).decode("latin-1")


def _named(connection: HTTPConnection, parameter: str) -> str:
    if not parameter:
        return ""
    return str(connection.path_params.get(parameter) or connection.query_params.get(parameter, ""))


def _foreign(connection: HTTPConnection) -> bool:
    """Whether a browser says that another site's page makes this request."""
    origin = connection.headers.get("origin")
    host = connection.headers.get("host", "")
    scheme = {"wss": "https", "ws": "http"}.get(connection.scope["scheme"], connection.scope["scheme"])
    if origin is not None and origin.lower() != f"{scheme}://{host}".lower():
        return True
    return connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


async def _refuse_forged(request: Request, visitor: Visitor) -> None:
    if _foreign(request):
        raise ForgedRequestError("it comes from another site")
    if visitor.session is None:
        return
    token = request.headers.get(CSRF_HEADER)
    if token is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        await request.body()  # kept, so that the endpoint can read it again
        field = (await request.form(max_fields=100, max_files=0)).get(CSRF_FIELD)
        token = field if isinstance(field, str) else None
    if token is None or not visitor.session.csrf_matches(token):
        raise ForgedRequestError("its token is missing or old")


def _current(request: Request) -> Visitor:
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


Who = Annotated[Visitor, Depends(_current)]
"""Parameter of an endpoint: the visitor."""
OurSite = Annotated[Site, Depends(site_of)]
"""Parameter of an endpoint: the site."""
