"""Forged, foreign, oversized and misaddressed requests; headers of every answer; Digest for programs."""

import asyncio

import pytest

from camward.access import Role

SEALED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def curl(*arguments: str) -> tuple[str, bytes]:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sSk", "--max-time", "10", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    return errors.decode(), output


async def test_changes_need_the_token_of_the_session(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    change = {"changes": {"device.name": "Yard"}}
    token, browser.csrf = browser.csrf, ""
    for headers in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": ""}):
        status, body, _ = await browser.ask("PATCH", "/api/v1/settings", json=change, headers=headers)
        assert (status, body["code"]) == (403, "FORGED-REQUEST")
    assert claimed.ground.settings.current.device.name == ""
    status, _, _ = await browser.ask("PATCH", "/api/v1/settings", json=change, headers={"X-CSRF-Token": token})
    assert (status, claimed.ground.settings.current.device.name) == (200, "Yard")
    # A form's field is as good as the header: the request gets as far as its missing fields.
    status, body, _ = await browser.ask("POST", "/api/v1/users", data={"csrf_token": token})
    assert (status, body["code"]) == (422, "REQUEST")
    assert (await browser.ask("POST", "/api/v1/users", data={"csrf_token": "wrong"}))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_login_and_claim_are_not_for_other_sites(camera, browser_of, headers: dict[str, str]) -> None:
    browser = await browser_of(camera)
    status, body, _ = await browser.ask("POST", "/api/v1/claim/code", json={"code": camera.code}, headers=headers)
    assert (status, body["code"]) == (403, "FORGED-REQUEST")
    await camera.make_administrator()
    form = {"name": "petra", "password": "seven quiet herons wade"}
    assert (await browser.ask("POST", "/api/v1/session", json=form, headers=headers))[0] == 403
    assert (await browser.ask("POST", "/api/v1/session", json=form, headers={"Origin": camera.url}))[0] == 200


async def test_every_answer_is_sealed(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    large = b"x" * 70_000
    for method, path, more, expected in [
        ("GET", "/status", {"accept": "text/html"}, 200),
        ("GET", "/api/v1/status", {}, 200),
        ("GET", "/nothing", {"accept": "text/html"}, 404),
        ("GET", "/api/v1/nothing", {}, 404),
        ("PUT", "/live", {}, 405),
        ("POST", "/api/v1/users", {"data": large}, 413),
        ("GET", "/api/v1/status", {"headers": {"Host": "evil.example"}}, 421),
    ]:
        status, _, headers = await browser.ask(method, path, **more)
        assert status == expected, (method, path)
        for name, value in SEALED.items():
            assert headers[name] == value, (method, path, name)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


async def test_failing_code_is_a_sentence_not_a_trace(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    claimed.app.state.metrics = None
    status, body, headers = await browser.ask("GET", "/metrics")
    assert (status, body["code"]) == (500, "INTERNAL")
    assert headers["X-Frame-Options"] == "DENY"


async def test_strict_transport_for_names_but_not_for_localhost(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    names = claimed.ground.identity.tls_state(now=claimed.ground.clock.utc()).addresses
    own = next(name for name in sorted(names) if name not in ("localhost", "127.0.0.1", "::1"))
    host = f"[{own}]" if ":" in own else own
    _, _, headers = await browser.ask("GET", "/healthz", headers={"Host": f"{host}:443"})
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    _, _, headers = await browser.ask("GET", "/healthz", headers={"Host": "localhost"})
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("", 421),
        ("camera.evil.example:443", 421),
        ("192.0.2.77:8443", 200),
        ("localhost:1", 200),
    ],
)
async def test_by_name_the_camera_is_called_only_as_its_certificate_says(
    claimed, browser_of, host: str, status: int
) -> None:
    browser = await browser_of(claimed)
    assert (await browser.ask("GET", "/healthz", headers={"Host": host}))[0] == status


async def test_a_body_without_end_is_cut(claimed, browser_of) -> None:
    browser = await browser_of(claimed)

    async def endless():
        for _ in range(100):
            yield b"y" * 4096

    status, body, _ = await browser.ask(
        "POST", "/api/v1/session", data=endless(), headers={"Content-Type": "application/json"}
    )
    assert (status, body["code"]) == (413, "HTTP-413")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b"{}", b'{"name": 5, "password": []}', b"[" * 60_000])
async def test_odd_bodies_get_a_reason(claimed, browser_of, body: bytes) -> None:
    browser = await browser_of(claimed)
    status, answer, _ = await browser.ask(
        "POST", "/api/v1/session", data=body, headers={"Content-Type": "application/json"}
    )
    assert status in (400, 422)
    assert set(answer) == {"code", "what", "why", "next"}


async def test_curl_logs_in_by_digest(claimed) -> None:
    secret = await claimed.add_client("curl")
    errors, output = await curl(
        "--digest", "-u", f"curl:{secret}", "-w", "%{http_code}", f"{claimed.url}/api/v1/status"
    )
    assert output.endswith(b"200"), (errors, output)
    _, output = await curl("--digest", "-u", "curl:wrong", "-w", "%{http_code}", f"{claimed.url}/api/v1/status")
    assert output.endswith(b"401")
    _, output = await curl("-u", f"curl:{secret}", "-w", "%{http_code}", f"{claimed.url}/api/v1/status")
    assert output[-3:] in (b"400", b"401")  # Basic is not spoken here
    _, output = await curl("--digest", "-u", f"curl:{secret}", "-w", "%{http_code}", f"{claimed.url}/snapshot.jpg")
    assert b"no signal" in output and output.endswith(b"503")


async def test_browsers_are_not_made_to_ask_for_passwords(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    for headers in ({"Sec-Fetch-Mode": "navigate"}, {"Cookie": "__Host-camward=old"}):
        status, _, answer = await browser.ask("GET", "/snapshot.jpg", headers=headers)
        assert (status, "WWW-Authenticate" in answer) == (401, False)
    assert "WWW-Authenticate" in (await browser.ask("GET", "/snapshot.jpg"))[2]


async def test_login_leads_to_pages_of_this_site_only(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    for wanted, place in [
        ("/status?x=1", "/status?x=1"),
        ("//evil.example/", "/live"),
        ("https://evil.example", "/live"),
        ("/\\evil.example", "/live"),
        ("/login", "/live"),
        ("", "/live"),
    ]:
        _, _, headers = await browser.ask("GET", "/login", params={"next": wanted}, accept="text/html")
        assert headers["Location"] == place, wanted


async def test_the_session_cookie_is_locked_down_and_ends_with_the_logout(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    form = {"name": "petra", "password": "seven quiet herons wade"}
    _, _, headers = await browser.ask("POST", "/api/v1/session", json=form)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("__Host-camward=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    value = cookie.split(";")[0]
    other = await browser_of(claimed)
    status, body, _ = await other.ask("GET", "/api/v1/session", headers={"Cookie": value})
    assert (status, body["name"]) == (200, "petra")
    await other.ask("DELETE", "/api/v1/session", headers={"Cookie": value, "X-CSRF-Token": body["csrf"]})
    assert (await browser.ask("GET", "/api/v1/session"))[0] == 401


async def test_every_failed_login_reads_the_same(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    answers = [
        await browser.ask("POST", "/api/v1/session", json={"name": name, "password": "not this one at all"})
        for name in ("petra", "nobody-here")
    ]
    assert answers[0][:2] == answers[1][:2]
    assert answers[0][0] == 403


async def test_a_level_taken_away_ends_the_live_picture(claimed, browser_of) -> None:
    from camward.access import Action
    from camward.web.admission import Visitor, still_may

    await claimed.add_user("watcher", Role.LIVE_ONLY)
    session = await claimed.ground.access.login("watcher", _secret("seven quiet herons wade"), address="127.0.0.1")
    visitor = Visitor(session.principal, session, "127.0.0.1")
    site = claimed.app.state.site
    assert still_may(site, visitor, Action.LIVE, "stream1")
    await claimed.ground.access.accounts.remove("watcher", by="petra")
    assert not still_may(site, visitor, Action.LIVE, "stream1")


def _secret(text: str):
    from camward.base.secret import Secret

    return Secret(text)
