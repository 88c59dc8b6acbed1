"""What a client says and in which order: DESCRIBE, SETUP, PLAY, keep-alives, TEARDOWN; credentials on demand.

A conversation is a generator: it yields a request and is sent the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from camward.access.digest_client import NonceCounter, answer_challenge
from camward.access.errors import DigestError
from camward.base.errors import ConfigurationError
from camward.media.unit import Track
from camward.rtsp.core.client_address import Address, Credentials, parse_address
from camward.rtsp.core.client_errors import AnswerError, RefusedByServerError
from camward.rtsp.core.client_tracks import Choice, rtp_info
from camward.rtsp.core.errors import MessageError, SdpError
from camward.rtsp.core.headers import Headers, SessionHeader
from camward.rtsp.core.messages import Request, Response
from camward.rtsp.core.sdp import SessionDescription, control_url, parse_sdp
from camward.rtsp.core.transport import Transport, parse_transports

Conversation = Generator[Request, Response, None]
Answer = Generator[Request, Response, Response]
AGENT = "Camward"
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\s]")


@dataclass(slots=True)
class Dialogue:
    """The client's side of one connection, as far as words go.

    Args:
        address: what is asked for.
        credentials: None: a server that wants some refuses us.
        basic_allowed: whether the password may go out readable.
        choose: takes the tracks out of the description.
        drop: told of a track that the server doesn't set up, and why.
        client_ports: UDP ports for each track; empty for TCP.

    Attributes:
        channels: by channel number of the connection, what comes there.
        servers: by track, what the server said of its UDP ports.
        playing: PLAY was answered.
        redirect: another URL to ask instead.
    """

    address: Address
    credentials: Credentials | None
    basic_allowed: bool
    choose: Callable[[SessionDescription], list[Choice]]
    drop: Callable[[Choice, str], None]
    client_ports: Mapping[Track, tuple[int, int]] = field(default_factory=dict)
    tracks: list[Choice] = field(default_factory=list)
    channels: dict[int, Choice] = field(default_factory=dict)
    servers: dict[Track, Transport] = field(default_factory=dict)
    session: SessionHeader | None = None
    playing: bool = False
    redirect: str | None = None
    methods: frozenset[str] = frozenset()
    _sequence: int = 0
    _challenges: tuple[str, ...] = ()
    _counter: NonceCounter = field(default_factory=NonceCounter)
    _base: str = ""
    _aggregate: str = ""

    # Conversations

    def open(self) -> Conversation:
        """From DESCRIBE to PLAY."""
        answer = yield from self._ask("DESCRIBE", self.address.url, ("Accept", "application/sdp"))
        if answer.status in (301, 302, 303, 305, 307):
            self.redirect = self._redirected(answer.headers.get("Location"))
            return
        self._need_success("DESCRIBE", answer)
        try:
            description = parse_sdp(answer.body)
        except SdpError as error:
            raise AnswerError("The camera's description can't be read", why=error.what) from error
        self._base = self._base_url(answer)
        self._aggregate = _escaped(control_url(self._base, description.control))
        self.tracks = self.choose(description)
        for choice in list(self.tracks):
            yield from self._set_up(choice)
        yield from self._play()

    def keep_alive(self) -> Conversation:
        """Tell the server that we are still there."""
        asks = "GET_PARAMETER" if not self.methods or "GET_PARAMETER" in self.methods else "OPTIONS"
        answer = yield from self._ask(asks, self._aggregate)
        if answer.status in (405, 501, 551) and asks == "GET_PARAMETER":
            self.methods = frozenset({"OPTIONS"})
            answer = yield from self._ask("OPTIONS", self._aggregate)
        if answer.status == 454:
            raise RefusedByServerError("The camera ended the session", status=454, next="It is connected to again")

    def farewell(self) -> Request | None:
        """TEARDOWN, whose answer nobody waits for; None when there is no session."""
        if self.session is None or not self._aggregate:
            return None
        return self._request("TEARDOWN", self._aggregate)

    @property
    def interval(self) -> float:
        """Seconds between two keep-alives."""
        timeout = self.session.timeout if self.session else 60
        return max(2.0, min(timeout / 2, timeout - 5.0, 30.0))

    # Steps

    def _set_up(self, choice: Choice) -> Conversation:
        ports = self.client_ports.get(choice.track)
        if ports is None:
            free = next(
                pair for pair in range(0, 254, 2) if pair not in self.channels and pair + 1 not in self.channels
            )
            wish = Transport(lower="tcp", interleaved=(free, free + 1))
        else:
            wish = Transport(lower="udp", client_port=ports)
        url = _escaped(control_url(self._base, choice.media.control))
        if wish.interleaved is not None:
            # Some servers send media ahead of their answer.
            self._take_channels(choice, wish.interleaved)
        answer = yield from self._ask("SETUP", url, ("Transport", wish.serialise()))
        if answer.status != 200 and choice.track is not Track.VIDEO:
            self.tracks.remove(choice)
            self.channels = {number: other for number, other in self.channels.items() if other is not choice}
            self.drop(choice, f"the camera answers {answer.status} to SETUP")
            return
        if answer.status == 461:
            lower = wish.lower.upper()
            raise RefusedByServerError(
                f"The camera doesn't send by {lower}", status=461, next="Choose the other transport for this camera"
            )
        self._need_success("SETUP", answer)
        self._note_session(answer)
        self._agreed(choice, wish, answer.headers.get("Transport"))

    def _agreed(self, choice: Choice, wish: Transport, value: str) -> None:
        """What the server chose; one that says nothing readable took what we wished."""
        try:
            found = parse_transports(value) if value else []
        except MessageError:
            found = []
        chosen = found[0] if found else wish
        if chosen.lower != wish.lower or chosen.multicast:
            raise AnswerError(
                "The camera chose another transport than the one asked for", next="Choose the other transport"
            )
        if wish.interleaved is not None:
            self._take_channels(choice, chosen.interleaved or wish.interleaved)
        else:
            self.servers[choice.track] = chosen

    def _take_channels(self, choice: Choice, pair: tuple[int, int]) -> None:
        self.channels = {number: other for number, other in self.channels.items() if other is not choice}
        for number in pair:
            self.channels[number] = choice

    def _play(self) -> Conversation:
        answer = yield from self._ask("PLAY", self._aggregate, ("Range", "npt=0.000-"))
        if answer.status == 457:
            answer = yield from self._ask("PLAY", self._aggregate)
        self._need_success("PLAY", answer)
        self._note_session(answer)
        self.playing = True
        times = rtp_info(answer.headers.get("RTP-Info"), [choice.media.control for choice in self.tracks])
        for index, time in times.items():
            self.tracks[index].clock.play_from(time)

    def _base_url(self, answer: Response) -> str:
        """What relative controls are relative to; a value that is no URL of this protocol doesn't count."""
        for name in ("Content-Base", "Content-Location"):
            value = answer.headers.get(name).strip()
            try:
                parse_address(value)
            except ConfigurationError:
                continue
            return value
        return self.address.url

    def _redirected(self, location: str) -> str:
        try:
            there = parse_address(urljoin(self.address.url, location.strip()))
        except (ConfigurationError, ValueError) as error:
            raise AnswerError("The camera sends us elsewhere, but to no place that can be understood") from error
        if not location.strip() or there.tls != self.address.tls:
            raise AnswerError("The camera sends us elsewhere, but not to a place we may go to")
        return there.url

    def _note_session(self, answer: Response) -> None:
        value = answer.headers.get("Session")
        if value:
            try:
                self.session = SessionHeader.parse(value)
            except MessageError as error:
                raise AnswerError("The camera's session has no name") from error

    # Requests

    def _request(self, method: str, url: str, *fields: tuple[str, str], authorization: str = "") -> Request:
        self._sequence += 1
        headers = [("CSeq", str(self._sequence)), ("User-Agent", AGENT)]
        if self.session is not None:
            headers.append(("Session", self.session.id))
        authorization = authorization or self._authorization(method, url)
        if authorization:
            headers.append(("Authorization", authorization))
        return Request(method, url, Headers(*headers, *fields))

    def _ask(self, method: str, url: str, *fields: tuple[str, str]) -> Answer:
        """One request, said again with credentials when the server wants them (or newer ones)."""
        for _ in range(3):
            sent_with = self._challenges
            answer = yield self._request(method, url, *fields)
            if public := answer.headers.get("Public"):
                self.methods = frozenset(name.strip().upper() for name in public.split(","))
            if answer.status != 401:
                return answer
            challenges = tuple(answer.headers.all("WWW-Authenticate"))
            if self.credentials is None:
                raise RefusedByServerError(
                    "The camera wants a name and a password", status=401, next="Enter those of an account of the camera"
                )
            if sent_with and not any("stale=true" in c.lower().replace('"', "").replace(" ", "") for c in challenges):
                break
            self._challenges = challenges
        raise RefusedByServerError(
            "The camera refused the name or the password", status=401, next="Enter those of an account of the camera"
        )

    def _authorization(self, method: str, url: str) -> str:
        if not self._challenges or self.credentials is None:
            return ""
        try:
            return answer_challenge(
                self._challenges,
                method=method,
                uri=url,
                username=self.credentials.name,
                password=self.credentials.password,
                counter=self._counter,
                allow_basic=self.basic_allowed,
            )
        except DigestError as error:
            raise RefusedByServerError(error.what, status=401, why=error.why, next=error.next) from error

    def _need_success(self, method: str, answer: Response) -> None:
        if answer.status == 200:
            return
        reason = f"{answer.status} {answer.reason[:60]}".strip()
        if answer.status in (404, 403, 451, 453, 503):
            sentences = {
                403: ("The camera doesn't allow this account to see the stream", "Use another account"),
                404: ("The camera has no stream at this address", "Look up the path in its manual"),
                451: ("The camera has no stream at this address", "Look up the path in its manual"),
                453: ("The camera has no bandwidth left", "Close other viewers, or raise its limit"),
                503: ("The camera is too busy", "Close other viewers"),
            }
            what, step = sentences[answer.status]
            raise RefusedByServerError(what, status=answer.status, why=f"it answers {reason}", next=step)
        raise RefusedByServerError(f"The camera refused {method}", status=answer.status, why=f"it answers {reason}")


def _escaped(url: str) -> str:
    """A control with blanks in it, made fit for a request's first line."""
    return _BLANK.sub(lambda found: quote(found[0]), url)
