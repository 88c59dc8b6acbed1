"""Declares routes, each with the `Action` it needs; a route without one can't be made.

What a route needs is checked before its body is read, its parameters are parsed or its code runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.routing import APIRoute

from camward.access import Action
from camward.web.admission import Visitor, admit, admit_socket

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])
SocketEndpoint = Callable[[WebSocket, Visitor], Awaitable[None]]
API = "/api/"
DECLARED = "camward_declared"
"""Attribute of an endpoint: what was declared of its route."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route needs.

    Args:
        action: asked of the one table in `access`.
        resource: the path or query parameter that names the camera or stream, if the action is about one.
        page: whether people see it in a browser; refusals are then pages and redirects, not JSON and challenges.
    """

    action: Action
    resource: str = ""
    page: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.action, Action):
            raise TypeError("a route must declare its Action")


class GuardedRoute(APIRoute):
    """A route whose action is checked first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """See `APIRoute`."""
        declared = declared_of(self.endpoint)
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.scope["camward.page"] = declared.page
            request.state.visitor = await admit(
                request, declared.action, resource=declared.resource, page=declared.page
            )
            return await handler(request)

        return guarded


def declared_of(endpoint: object) -> Declared:
    """What a route's endpoint declared.

    Raises:
        TypeError: nothing.
    """
    declared = getattr(endpoint, DECLARED, None)
    if not isinstance(declared, Declared):
        raise TypeError(f"the route of {getattr(endpoint, '__qualname__', endpoint)} declares no Action")
    return declared


@dataclass(slots=True)
class Routes:
    """The routes of one part of the site, collected by decorators and installed in order."""

    _installers: list[Callable[[FastAPI], None]] = field(default_factory=list)

    def page(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """A page: GET, HTML, not in the API's description."""
        return self._http("GET", path, Declared(action, resource, page=True))

    def file(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """Something to download: GET; programs may log in with Digest."""
        return self._http("GET", path, Declared(action, resource))

    def get(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """A GET of the API."""
        return self._http("GET", path, Declared(action, resource))

    def post(
        self, path: str, action: Action, *, resource: str = "", status: int = 200
    ) -> Callable[[Endpoint], Endpoint]:
        """A POST of the API."""
        return self._http("POST", path, Declared(action, resource), status=status)

    def put(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """A PUT of the API."""
        return self._http("PUT", path, Declared(action, resource))

    def patch(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """A PATCH of the API."""
        return self._http("PATCH", path, Declared(action, resource))

    def delete(self, path: str, action: Action, *, resource: str = "") -> Callable[[Endpoint], Endpoint]:
        """A DELETE of the API; answers 204."""
        return self._http("DELETE", path, Declared(action, resource), status=204)

    def socket(self, path: str, action: Action, *, resource: str = "") -> Callable[[SocketEndpoint], SocketEndpoint]:
        """A WebSocket. The endpoint is called with a visitor who may, before the socket is accepted."""
        declared = Declared(action, resource)

        def declare(endpoint: SocketEndpoint) -> SocketEndpoint:
            async def guarded(websocket: WebSocket) -> None:
                visitor = await admit_socket(websocket, declared.action, resource=declared.resource)
                if visitor is not None:
                    await endpoint(websocket, visitor)

            setattr(guarded, DECLARED, declared)
            self._installers.append(lambda app: app.router.add_api_websocket_route(path, guarded))
            return endpoint

        return declare

    def install(self, app: FastAPI) -> None:
        """Add all routes to an application."""
        for installer in self._installers:
            installer(app)

    def _http(self, method: str, path: str, declared: Declared, *, status: int = 200) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            setattr(endpoint, DECLARED, declared)
            self._installers.append(partial(_install, path=path, endpoint=endpoint, method=method, status=status))
            return endpoint

        return declare


def _install(app: FastAPI, *, path: str, endpoint: Callable[..., object], method: str, status: int) -> None:
    in_schema = path.startswith(API)
    # A page answers with a response it rendered itself; there is no model to make of it.
    model: dict[str, None] = {} if in_schema else {"response_model": None}
    app.router.add_api_route(
        path,
        endpoint,
        methods=[method] if in_schema else [method, "HEAD"],
        status_code=status,
        include_in_schema=in_schema,
        route_class_override=GuardedRoute,
        **model,  # type: ignore[arg-type]
    )
