"""Every route, for everybody, in every state: the one table decides, and nothing answers that it does not let."""

import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute

from camward.access import NOBODY, Action, Kind, Principal, Role, Scope, may
from camward.web.admission import BEFORE_CLAIM
from camward.web.routing import Declared, GuardedRoute, Routes, declared_of

MakeBrowser = Callable[..., Awaitable["Browser"]]  # noqa: F821

PARAMETERS = {"menu": "network", "version": "x", "name": "mark.svg", "session_id": "none"}


def http_routes(app: FastAPI) -> list[tuple[str, str, Declared]]:
    """Method, a path that fits, what was declared; logging out comes last."""
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            path = re.sub(r"{(\w+)(:path)?}", lambda match: PARAMETERS[match[1]], route.path)
            found += [(method, path, declared_of(route.endpoint)) for method in route.methods]
    return sorted(found, key=lambda entry: entry[:2] == ("DELETE", "/api/v1/session"))


def test_every_route_declares_its_action(camera) -> None:
    assert len(http_routes(camera.app)) > 40
    for route in camera.app.routes:
        assert isinstance(route, GuardedRoute | APIWebSocketRoute), route
        assert declared_of(route.endpoint).action in Action


def test_a_route_without_an_action_can_not_be_made(camera) -> None:
    with pytest.raises(TypeError, match="action"):
        Routes().page("/x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Action"):
        Routes().get("/x", "live")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="declares no Action"):
        camera.app.get("/x")(lambda: None)


async def test_an_unclaimed_camera_answers_only_what_claims_it(camera, browser_of) -> None:
    browser = await browser_of(camera)
    for method, path, declared in http_routes(camera.app):
        status, body, headers = await browser.ask(method, path, accept="text/html" if declared.page else "*/*")
        if declared.action in BEFORE_CLAIM:
            assert status not in (401, 403, 500), (method, path, body)
        elif declared.page:
            assert (status, headers["Location"]) == (303, "/"), (method, path)
        else:
            assert status == 403, (method, path)
            assert method == "HEAD" or body["code"] == "UNCLAIMED", (method, path)
    for path in ("/nothing", "/api/v1/nothing"):
        assert (await browser.ask("GET", path))[0] == 403
    assert (await browser.ask("GET", "/nothing", accept="text/html"))[2]["Location"] == "/"


@pytest.mark.parametrize("role", [None, Role.LIVE_ONLY, Role.CAMERA_CONTROL, Role.ADMINISTRATOR])
async def test_every_route_for_every_level(claimed, browser_of, role: Role | None) -> None:
    browser = await browser_of(claimed)
    principal = NOBODY
    if role is not None:
        await claimed.add_user("somebody", role)
        await browser.log_in("somebody")
        principal = Principal(Kind.USER, "somebody", role=role)
    refused = 0
    for method, path, declared in http_routes(claimed.app):
        status, body, headers = await browser.ask(method, path, accept="text/html" if declared.page else "*/*")
        where = (method, path, role, status, body if status >= 400 else "")
        if path == "/api/v1/password-verdict" and role is None:
            assert status in (401, 422), where  # open while unclaimed only
        elif may(principal, declared.action):
            assert status not in (401, 403, 500), where
        elif role is not None:
            assert status == 403, where
            refused += 1
        elif declared.page:
            assert (status, headers["Location"].startswith("/login?next=/")) == (303, True), where
        else:
            assert status == 401, where
            assert len(headers.getall("WWW-Authenticate")) >= 2, where
    assert (refused == 0) == (role in (None, Role.ADMINISTRATOR))


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_program_reaches_what_its_scope_allows(claimed, browser_of, scope: Scope) -> None:
    secret = await claimed.add_client("nvr", scope)
    browser = await browser_of(claimed)
    principal = Principal(Kind.CLIENT, "nvr", scope=scope)
    digest = aiohttp.DigestAuthMiddleware("nvr", secret)
    for method, path, declared in http_routes(claimed.app):
        if declared.page:
            continue
        async with browser.session.request(method, claimed.url + path, middlewares=(digest,)) as response:
            where = (method, path, scope, response.status)
            if may(principal, declared.action) or path == "/api/v1/password-verdict":
                assert response.status not in (401, 403, 500), where
            else:
                assert response.status == 403, where


@pytest.mark.parametrize("form", ["", "&form=mp4"])
async def test_the_live_socket_asks_the_same_table(claimed, browser_of, form: str) -> None:
    await claimed.add_user("watcher", Role.LIVE_ONLY)
    browser = await browser_of(claimed)
    place = claimed.url.replace("https", "wss") + "/live?stream=stream1" + form
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.session.ws_connect(place)
    assert refused.value.status == 403
    await browser.log_in("watcher")
    with pytest.raises(aiohttp.WSServerHandshakeError) as foreign:
        await browser.session.ws_connect(place, headers={"Origin": "https://evil.example"})
    assert foreign.value.status == 403
    async with browser.session.ws_connect(place, headers={"Origin": claimed.url}) as socket:
        assert (await socket.receive_json())["type"] == "time"
        assert (await socket.receive_json())["type"] == "no_signal"
