"""curl logs in by Digest, SHA-256 and MD5, at a small HTTP server around the gate; its requests can't be replayed."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camward.access import Access, Device, HashCost, NonceCounter, Scope, answer_challenge
from camward.access.errors import DigestRefusedError
from camward.access.settings import AccessSettings
from camward.base.clock import SystemClock
from camward.base.secret import Secret
from camward.journal import Journal


@dataclass
class Site:
    """A device's gate on a loopback port, and the requests that came; `/hop/2` leads to `/hop/1`, `/hop/0`."""

    access: Access
    secret: Secret[str] = field(default_factory=lambda: Secret(""))
    md5: bool = True
    port: int = 0
    heads: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?im)^content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(self.respond(head, body, writer.get_extra_info("peername")[0]))
                await writer.drain()
        writer.close()

    def respond(self, head: str, body: bytes, address: str) -> bytes:
        method, uri, _ = head.split(" ", 2)
        given = re.search(r"(?im)^authorization: *(.*?)\r$", head)
        self.heads.append(head)
        try:
            principal = self.access.digest.check(
                method=method, uri=uri, authorization=given[1] if given else None, address=address, body=body
            )
        except DigestRefusedError as error:
            self.answers.append(str(error.status))
            fields = "".join(f"WWW-Authenticate: {challenge}\r\n" for challenge in error.challenges)
            return f"HTTP/1.1 {error.status} Refused\r\n{fields}Content-Length: 0\r\n\r\n".encode()
        if hop := re.fullmatch(r"/hop/([1-9])", uri):
            self.answers.append("302")
            where = f"/hop/{int(hop[1]) - 1}"
            return f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()
        self.answers.append("200")
        text = f"{principal.name} {method} {len(body)}"
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = SystemClock()
    journal = Journal(tmp_path / "journal", clock)
    made: list[Site] = []
    access = Access(
        tmp_path,
        device=Device.CAMERA,
        clock=clock,
        journal=journal,
        settings=lambda: AccessSettings(digest_md5=made[0].md5 if made else True),
        fingerprint=bytes(32),
        cost=HashCost(memory=64, passes=1),
    )
    made.append(Site(access))
    made[0].secret = await access.clients.add("player", Scope.STREAMS, by="root")
    server = await asyncio.start_server(made[0].serve, "127.0.0.1", 0)
    made[0].port = server.sockets[0].getsockname()[1]
    yield made[0]
    server.close()
    await server.wait_closed()
    access.close()
    journal.close()


async def curl(site: Site, tmp_path: Path, *arguments: str, secret: str = "") -> str:
    """curl's output and status; the secret comes by a file, as it should."""
    login = tmp_path / "curl.conf"
    login.write_text(f'user = "player:{secret or site.secret.reveal()}"\n')
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--max-time", "10", "--digest", "-K", str(login), "-w", "|%{http_code}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_curl_logs_in(site: Site, tmp_path: Path, algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if algorithm == "MD5":  # as seen by a client that knows nothing newer: only the last challenge
        both = site.access.digest.challenges
        monkeypatch.setattr(site.access.digest, "challenges", lambda *, stale=False: both(stale=stale)[-1:])
    assert await curl(site, tmp_path, f"http://127.0.0.1:{site.port}/a?b=c%20d") == "player GET 0|200"
    assert site.answers == ["401", "200"]
    assert f"algorithm={algorithm}" in site.heads[1].replace('"', "")


async def test_curl_takes_sha256_from_both_and_posts(site: Site, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{site.port}/x"
    assert await curl(site, tmp_path, "-d", "x" * 3000, address) == "player POST 3000|200"
    assert "algorithm=SHA-256" in site.heads[-1].replace('"', "")


async def test_curl_counts_its_requests(site: Site, tmp_path: Path) -> None:
    assert await curl(site, tmp_path, "-L", f"http://127.0.0.1:{site.port}/hop/2") == "player GET 0|200"
    assert site.answers == ["401", "302", "302", "200"]
    counts = [re.search(r"nc=(\d+)", head) for head in site.heads[1:]]
    assert [count and count[1] for count in counts] == ["00000001", "00000002", "00000003"]


async def test_a_wrong_secret(site: Site, tmp_path: Path) -> None:
    assert await curl(site, tmp_path, f"http://127.0.0.1:{site.port}/x", secret="wrong") == "|401"


async def test_without_md5(site: Site, tmp_path: Path) -> None:
    site.md5 = False
    assert await curl(site, tmp_path, f"http://127.0.0.1:{site.port}/x") == "player GET 0|200"


async def test_what_curl_sent_can_not_be_sent_again(site: Site, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{site.port}/x"
    await curl(site, tmp_path, address, address)
    captured = [head for head in site.heads if "\nAuthorization:" in head]
    assert len(captured) == 2
    site.answers.clear()
    for head in captured * 10:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head.encode("latin-1"))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401") and b"stale=true" in answer
        writer.close()
        await writer.wait_closed()
    assert site.answers == ["401"] * 20


async def test_a_stale_nonce_is_no_failure_for_curl(site: Site, tmp_path: Path) -> None:
    """The device starts anew between two requests of one transfer: curl is told so, and goes on by itself."""
    respond = site.respond

    def starting_anew(head: str, body: bytes, peer: str) -> bytes:
        if site.answers == ["401", "302"]:
            site.access.digest._nonces = type(site.access.digest._nonces)()
        return respond(head, body, peer)

    site.respond = starting_anew  # type: ignore[method-assign]
    assert await curl(site, tmp_path, "-L", f"http://127.0.0.1:{site.port}/hop/2") == "player GET 0|200"
    assert site.answers == ["401", "302", "401", "302", "200"]


async def test_our_own_client_and_gate_agree(site: Site) -> None:
    with pytest.raises(DigestRefusedError) as caught:
        site.access.digest.check(method="GET", uri="/x", authorization=None, address="127.0.0.1")
    counter = NonceCounter()
    for _ in range(3):
        field_value = answer_challenge(
            caught.value.challenges, method="GET", uri="/x", username="player", password=site.secret, counter=counter
        )
        check = site.access.digest.check
        assert check(method="GET", uri="/x", authorization=field_value, address="127.0.0.1").name == "player"
