"""The API as a program and the pages use it: claim, pairing, people, client secrets, settings, pictures, journal."""

import base64
import json

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from camward.access import Role, Scope, pairing_proof
from camward.base.secret import Secret
from camward.trust import DeviceIdentity

PASSWORD = "seven quiet herons wade"


def owner_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_claim_makes_the_administrator_once(camera, browser_of) -> None:
    browser = await browser_of(camera)
    form = {"code": "AAAA-AAAA-AAAA-AAAA", "name": "petra", "password": PASSWORD, "owner_key": text(owner_key())}
    status, body, _ = await browser.ask("POST", "/api/v1/claim", json=form)
    assert (status, body["code"]) == (403, "CLAIM-REFUSED")
    form["code"] = camera.code.lower().replace("-", " ")
    status, body, _ = await browser.ask("POST", "/api/v1/claim", json={**form, "password": "password1234"})
    assert (status, body["code"]) == (422, "PASSWORD")
    status, body, _ = await browser.ask("POST", "/api/v1/claim", json={**form, "owner_key": text(b"no key")})
    assert status == 400
    assert not camera.ground.access.claimed
    assert (await browser.ask("POST", "/api/v1/claim", json=form))[0] == 201
    assert camera.ground.access.claim.owner_key == base64.b64decode(form["owner_key"])
    status, body, _ = await browser.ask("POST", "/api/v1/claim", json=form)
    assert (status, body["code"]) == (409, "ALREADY-CLAIMED")
    await browser.log_in("petra")
    assert (await browser.ask("GET", "/api/v1/session"))[1]["role"] == "administrator"


async def test_guessing_the_claim_code_has_to_wait(camera, browser_of) -> None:
    browser = await browser_of(camera)
    answers = [
        await browser.ask("POST", "/api/v1/claim/code", json={"code": f"AAAA-AAAA-AAAA-AAA{n}"}) for n in range(9)
    ]
    status, _, headers = answers[-1]
    assert status == 429
    assert int(headers["Retry-After"]) >= 1


async def test_a_recorder_pairs_and_gets_a_sealed_only_secret(camera, browser_of, tmp_path) -> None:
    browser = await browser_of(camera)
    recorder = DeviceIdentity.of_state(tmp_path / "recorder", name="Camward recorder")
    certificate = recorder.certificate.public_bytes(serialization.Encoding.DER)
    key = owner_key()
    proof = pairing_proof(
        Secret(camera.code),
        fingerprint=camera.ground.identity.fingerprint,
        owner_key=key,
        recorder_certificate=certificate,
    )
    form = {"owner_key": text(key), "recorder_certificate": text(certificate), "name": "recorder-1"}
    assert (await browser.ask("POST", "/api/v1/pair", json={**form, "proof": text(bytes(32))}))[0] == 403
    status, body, _ = await browser.ask("POST", "/api/v1/pair", json={**form, "proof": text(proof)})
    assert status == 201
    assert camera.ground.access.claim.owner_key == key
    await camera.make_administrator()
    (client,) = camera.ground.access.clients.list()
    assert (client.name, client.scope) == (body["name"], Scope.SEALED_ONLY)
    digest = aiohttp.DigestAuthMiddleware(body["name"], body["secret"])
    async with browser.session.get(f"{camera.url}/api/v1/status", middlewares=(digest,)) as response:
        assert response.status == 200
    async with browser.session.get(f"{camera.url}/snapshot.jpg", middlewares=(digest,)) as response:
        assert response.status == 403


async def test_people(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    new = {"name": "mara", "password": PASSWORD, "role": "live_only"}
    assert (await browser.ask("POST", "/api/v1/users", json=new))[0] == 201
    assert (await browser.ask("POST", "/api/v1/users", json=new))[0] == 422
    status, body, _ = await browser.ask("POST", "/api/v1/users", json={**new, "name": "x", "role": "viewer"})
    assert (status, body["code"]) == (422, "ACCOUNT")
    mara = await browser_of(claimed)
    await mara.log_in("mara")
    assert (await mara.ask("GET", "/api/v1/users"))[0] == 403
    status, body, _ = await browser.ask("PATCH", "/api/v1/users/mara", json={"role": "camera_control"})
    assert (status, body["level"]) == (200, "2. Camera control")
    assert (await browser.ask("PATCH", "/api/v1/users/mara", json={"password": "four other plain words"}))[0] == 200
    assert (await mara.ask("GET", "/api/v1/session"))[0] == 401
    await mara.log_in("mara", "four other plain words")
    status, body, _ = await browser.ask("DELETE", "/api/v1/users/petra")
    assert (status, "last administrator" in body["what"]) == (422, True)
    assert (await browser.ask("DELETE", "/api/v1/users/mara"))[0] == 204
    assert (await browser.ask("DELETE", "/api/v1/users/mara"))[0] == 404
    assert (await mara.ask("GET", "/api/v1/session"))[0] == 401
    names = [user["name"] for user in (await browser.ask("GET", "/api/v1/users"))[1]["users"]]
    assert names == ["petra"]


async def test_own_password_and_own_sessions(claimed, browser_of) -> None:
    await claimed.add_user("mara", Role.LIVE_ONLY)
    here, there = await browser_of(claimed), await browser_of(claimed)
    await here.log_in("mara")
    await there.log_in("mara")
    wrong = {"old": "wrong wrong wrong", "new": "four other plain words"}
    assert (await here.ask("PUT", "/api/v1/account/password", json=wrong))[0] == 403
    sessions = (await here.ask("GET", "/api/v1/account/sessions"))[1]
    other = next(session["id"] for session in sessions if not session["this"])
    assert (await here.ask("DELETE", f"/api/v1/account/sessions/{other}"))[0] == 204
    assert (await there.ask("GET", "/api/v1/session"))[0] == 401
    await there.log_in("mara")
    assert (await here.ask("PUT", "/api/v1/account/password", json={**wrong, "old": PASSWORD}))[0] == 200
    assert (await there.ask("GET", "/api/v1/session"))[0] == 401
    assert (await here.ask("GET", "/api/v1/session"))[0] == 200
    admin = await browser_of(claimed)
    await admin.log_in("petra")
    petra = (await admin.ask("GET", "/api/v1/sessions"))[1]
    foreign = next(session["id"] for session in petra if session["name"] == "petra")
    assert (await here.ask("DELETE", f"/api/v1/account/sessions/{foreign}"))[0] == 404  # not one's own


async def test_a_client_secret_is_shown_once_and_revoked(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    status, made, _ = await browser.ask("POST", "/api/v1/clients", json={"name": "nvr", "scope": "streams"})
    assert status == 201
    listed = (await browser.ask("GET", "/api/v1/clients"))[1]
    page = (await browser.ask("GET", "/users", accept="text/html"))[1]
    journal = (await browser.ask("GET", "/api/v1/journal"))[1]
    for shown in (json.dumps(listed), page.decode(), json.dumps(journal)):
        assert "nvr" in shown
        assert made["secret"] not in shown
    digest = aiohttp.DigestAuthMiddleware("nvr", made["secret"])
    fresh = await browser_of(claimed)
    async with fresh.session.get(f"{claimed.url}/api/v1/status", middlewares=(digest,)) as response:
        assert response.status == 200
    assert (await browser.ask("DELETE", "/api/v1/clients/nvr"))[0] == 204
    async with fresh.session.get(f"{claimed.url}/api/v1/status", middlewares=(digest,)) as response:
        assert response.status == 401


async def test_settings_all_or_nothing(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    status, body, _ = await browser.ask("GET", "/api/v1/settings")
    port = next(setting for setting in body["settings"] if setting["path"] == "network.rtsp.port")
    assert (port["value"], port["limits"], port["section"]) == (554, {"ge": 1, "le": 65535}, "3.5")
    for changes, key in [
        ({"device.name": "Yard", "network.rtsp.port": 0}, "network.rtsp.port"),
        ({"device.name": "Yard", "network.rtsp.port": "554"}, "network.rtsp.port"),
        ({"device.name": "x" * 41}, "device.name"),
    ]:
        status, body, _ = await browser.ask("PATCH", "/api/v1/settings", json={"changes": changes})
        assert (status, body["key"]) == (422, key), body
    status, body, _ = await browser.ask("PATCH", "/api/v1/settings", json={"changes": {"device.nam": "Yard"}})
    assert (status, "device.name" in body["next"]) == (422, True)
    assert claimed.ground.settings.current.device.name == ""
    changes = {"device.name": "Yard", "network.rtsp.port": 8554}
    assert (await browser.ask("PATCH", "/api/v1/settings", json={"changes": changes}))[0] == 200
    assert claimed.ground.settings.current.network.rtsp.port == 8554
    (entry,) = (await browser.ask("GET", "/api/v1/journal", params={"kind": "settings_changed"}))[1]
    assert entry["who"] == "petra"
    schema = (await browser.ask("GET", "/api/v1/settings/schema"))[1]
    assert schema["properties"]["network"]


async def test_camera_control_changes_the_picture_and_nothing_else(claimed, browser_of) -> None:
    await claimed.add_user("mara", Role.CAMERA_CONTROL)
    browser = await browser_of(claimed)
    await browser.log_in("mara")
    changes = {"media.overlay.text": "Yard", "media.privacy.zones": [{"left": 1, "top": 2, "width": 3, "height": 4}]}
    assert (await browser.ask("PATCH", "/api/v1/picture", json={"changes": changes}))[0] == 200
    assert claimed.ground.settings.current.media.overlay.text == "Yard"
    assert claimed.ground.settings.current.media.privacy.zones[0].width == 3
    changes = {"media.privacy.zones": [{"left": 90, "top": 2, "width": 30, "height": 4}]}
    status, body, _ = await browser.ask("PATCH", "/api/v1/picture", json={"changes": changes})
    assert (status, "beyond the picture" in json.dumps(body)) == (422, True)
    for path in ("network.rtsp.port", "media.stream1.bitrate", "device.name", "media.source.fingerprint"):
        status, _, _ = await browser.ask("PATCH", "/api/v1/picture", json={"changes": {path: 1}})
        assert status == 422, path


async def test_a_broken_settings_file_shows_on_every_page(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    (claimed.ground.state / "settings.toml").write_text('[device]\nnme = "Yard"\n')
    claimed.ground.settings.reload()
    page = (await browser.ask("GET", "/status", accept="text/html"))[1].decode()
    assert "Running on other settings" in page and "line 2" in page
    assert (await browser.ask("GET", "/api/v1/settings"))[1]["problem"]["line"] == 2


async def test_what_strangers_may_read(camera, browser_of) -> None:
    browser = await browser_of(camera)
    assert (await browser.ask("GET", "/healthz"))[1] == {"status": "ok"}
    security = (await browser.ask("GET", "/.well-known/security.txt"))[1].decode()
    contact = next(line for line in security.splitlines() if line.startswith("Contact: "))
    assert contact == f"Contact: {camera.url}/security"
    assert b"Report a vulnerability" in (await browser.ask("GET", "/security", accept="text/html"))[1]
    assert (await browser.ask("GET", "/root.pem"))[0] == 404  # no factory issued this one
    assert b"Disallow: /" in (await browser.ask("GET", "/robots.txt"))[1]


async def test_static_files_last_and_are_of_one_version(camera, browser_of) -> None:
    browser = await browser_of(camera)
    page = (await browser.ask("GET", "/", accept="text/html"))[1].decode()
    place = page.split('rel="stylesheet" href="')[1].split('"')[0]
    status, body, headers = await browser.ask("GET", place)
    assert (status, "immutable" in headers["Cache-Control"], b"--accent" in body) == (200, True, True)
    status, body, _ = await browser.ask("GET", place, headers={"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    old = await browser.ask("GET", "/static/0123/camward.css")
    assert (old[0], old[2]["Cache-Control"]) == (200, "no-cache")
    for path in ("/static/x/../pages.py", "/static/x/%2e%2e/pages.py", "/static/x/none.js", "/static/x//etc/passwd"):
        assert (await browser.ask("GET", path))[0] in (403, 404), path


async def test_the_description_names_every_call(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    status, body, _ = await browser.ask("GET", "/api/v1/openapi.json")
    assert status == 200
    assert {"/api/v1/status", "/api/v1/claim", "/api/v1/pair", "/api/v1/settings"} <= set(body["paths"])
    assert all(path.startswith("/api/v1/") for path in body["paths"])


@pytest.mark.parametrize("password", ["password1234", "petra petra petra", "short"])
async def test_passwords_are_judged_while_typing_and_never_kept(camera, browser_of, password: str) -> None:
    browser = await browser_of(camera)
    form = {"name": "petra", "password": password}
    status, body, _ = await browser.ask("POST", "/api/v1/password-verdict", json=form)
    assert (status, body["ok"]) == (200, False)
    assert body["sentence"].endswith(".")
    await camera.make_administrator()
    assert (await browser.ask("POST", "/api/v1/password-verdict", json=form))[0] == 401


async def test_metrics_count_streams(claimed, browser_of) -> None:
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    body = (await browser.ask("GET", "/metrics"))[1].decode()
    assert 'camward_stream_signal{stream="stream1"} 0.0' in body
    assert "camward_sessions 1.0" in body
