"""What the server answers: the order of a session, every refusal, and deadlines."""

import asyncio

import pytest

from camward.media.stream import MediaStream
from camward.rtsp.aio.server import PLAIN_REFUSED, RtspServerLimits
from camward.rtsp.core.messages import Interleaved
from camward.rtsp.core.rtcp import SenderReport, parse_rtcp
from camward.rtsp.core.rtp import parse_rtp
from camward.rtsp.core.sdp import parse_sdp
from camward.rtsp.core.server import ServerDialogLimits

TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
UDP = ("Transport", "RTP/AVP;unicast;client_port=40000-40001")


async def test_a_session_from_options_to_teardown(serve, connect, car_park) -> None:
    async with serve(car_park.form) as served, connect(served) as player:
        answer = await player.ask("OPTIONS", "*", login=False)
        assert answer.status == 200 and "DESCRIBE" in answer.headers.get("Public")
        answer = await player.ask("DESCRIBE", login=False)
        assert answer.status == 401
        algorithms = ["SHA-256" if "SHA-256" in value else "MD5" for value in answer.headers.all("WWW-Authenticate")]
        assert algorithms == ["SHA-256", "MD5"]
        answer = await player.ask("DESCRIBE")
        assert answer.headers.get("Content-Base") == player.base + "/"
        (media,) = parse_sdp(answer.body).media
        assert media.video_format().parameter_sets == car_park.form.video.parameter_sets
        for unit in car_park.units[:5]:
            served.stream.publish(unit)
        answer = await player.play()
        # The answer came ahead of all media; a report comes first, then the open group. There was nobody before
        # DESCRIBE, so the group was attached then.
        assert not player.frames
        info = dict(part.split("=", 1) for part in answer.headers.get("RTP-Info").split(";"))
        assert info["url"] == player.base + "/trackID=0"
        report, first = await player.frame(), await player.frame()
        (sender, _) = parse_rtcp(report.data)
        assert isinstance(sender, SenderReport) and report.channel == 1
        assert sender.utc == car_park.units[0].utc
        packet = parse_rtp(first.data)
        assert sender.rtp_time == packet.timestamp == int(info["rtptime"])
        assert packet.sequence == int(info["seq"]) and packet.ssrc == sender.ssrc
        assert (await player.ask("GET_PARAMETER")).status == 200
        assert (await player.ask("SET_PARAMETER")).status == 200
        assert (await player.ask("GET_PARAMETER", body=b"jitter\r\n")).status == 451
        assert (await player.ask("PLAY")).status == 200
        assert (await player.ask("TEARDOWN")).status == 200
        assert not served.server.sessions
        player.session = "0" * 32
        assert (await player.ask("PLAY")).status == 454


async def test_two_players_get_the_same_bytes_with_the_source_s_times(serve, connect, car_park) -> None:
    async with serve(car_park.form) as served, connect(served) as one, connect(served, tls=True) as two:
        await one.play()
        await two.play()
        for unit in car_park.units[:20]:
            served.stream.publish(unit)
        streams = []
        for player in (one, two):
            packets, marks = [], 0
            while marks < 20:
                frame = await player.frame()
                if frame.channel == 0:
                    packets.append(frame.data)
                    marks += parse_rtp(frame.data).marker
            streams.append(packets)
        assert streams[0] == streams[1]
        times = [parse_rtp(data).timestamp for data in streams[0] if parse_rtp(data).marker]
        base = times[0] - car_park.units[0].ticks
        assert [(time - base) % 2**32 for time in times] == [unit.ticks for unit in car_park.units[:20]]
        assert all(len(data) <= 1400 for data in streams[0])


async def test_pause_goes_on_where_it_stopped(serve, connect, car_park) -> None:
    async with serve(car_park.form) as served, connect(served) as player:
        await player.play()
        assert all(not unit.key for unit in car_park.units[1:8])
        for unit in car_park.units[:4]:
            served.stream.publish(unit)
        assert (await player.ask("PAUSE")).status == 200
        assert not served.server.sessions[0].playing
        for unit in car_park.units[4:6]:
            served.stream.publish(unit)
        assert (await player.ask("PLAY")).status == 200
        for unit in car_park.units[6:8]:
            served.stream.publish(unit)
        numbers, marks = [], 0
        while marks < 8:
            frame = await player.frame()
            if frame.channel == 0:
                packet = parse_rtp(frame.data)
                numbers.append(packet.sequence)
                marks += packet.marker
        assert numbers == [(numbers[0] + index) % 65536 for index in range(len(numbers))]


REFUSALS = {
    "unknown stream": ("DESCRIBE", "/stream9", (), 404),
    "unknown track": ("SETUP", "/stream1/trackID=1", (TCP,), 404),
    "no track of two": ("SETUP", "/both", (TCP,), 459),
    "no transport": ("SETUP", "/stream1/trackID=0", (), 461),
    "multicast": ("SETUP", "/stream1/trackID=0", (("Transport", "RTP/AVP;multicast"),), 461),
    "SRTP": ("SETUP", "/stream1/trackID=0", (("Transport", "RTP/SAVP/TCP;unicast;interleaved=0-1"),), 461),
    "broken transport": ("SETUP", "/stream1/trackID=0", (("Transport", "RTP/AVP;client_port=99999"),), 400),
    "no session": ("PLAY", "/stream1", (), 454),
    "unknown session": ("PLAY", "/stream1", (("Session", "abc"),), 454),
    "recording": ("RECORD", "/stream1", (), 405),
    "announcing": ("ANNOUNCE", "/stream1", (), 405),
    "unknown method": ("DANCE", "/stream1", (), 501),
    "unknown option": ("DESCRIBE", "/stream1", (("Require", "onvif-replay"),), 551),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_request_leaves_the_connection_usable(serve, connect, car_park, cup, name: str) -> None:
    method, path, fields, status = REFUSALS[name]
    async with serve(car_park.form) as served, connect(served) as player:
        both = MediaStream("both")
        both.set_format(cup.form)
        served.streams["both"] = both
        await player.ask("DESCRIBE")
        root = player.base.removesuffix("/stream1")
        assert (await player.ask(method, root + path, *fields)).status == status
        assert (await player.ask("DESCRIBE")).status == 200


@pytest.mark.parametrize("uri", ["/stream1/", "/stream1?profile=1", "/stream1/?a=b&c=d"])
async def test_urls_are_taken_as_clients_form_them(serve, connect, car_park, uri: str) -> None:
    async with serve(car_park.form) as served, connect(served) as player:
        root = player.base.removesuffix("/stream1")
        assert (await player.ask("DESCRIBE", root + uri)).status == 200
        assert (await player.ask("SETUP", f"{root}{uri}/trackID=0", TCP)).status == 200


async def test_state_and_way_are_kept(serve, connect, cup) -> None:
    async with serve(cup.form) as served, connect(served) as player:
        await player.ask("DESCRIBE")
        first, second = f"{player.base}/trackID=0", f"{player.base}/trackID=1"
        assert (await player.ask("SETUP", first, TCP)).status == 200
        assert (await player.ask("SETUP", second, UDP)).status == 461
        # Channels 0-1 are given away: another pair is chosen.
        answer = await player.ask("SETUP", second, TCP)
        assert "interleaved=2-3" in answer.headers.get("Transport")
        assert (await player.ask("PLAY", player.base, ("Range", "clock=20260101T000000Z-"))).status == 457
        assert (await player.ask("PLAY")).status == 200
        assert (await player.ask("SETUP", first, TCP)).status == 455


async def test_udp_media_is_refused_under_tls_unless_plain_is_allowed(serve, connect, car_park) -> None:
    async with serve(car_park.form, plain=False) as served, connect(served, tls=True) as player:
        await player.ask("DESCRIBE")
        assert (await player.ask("SETUP", f"{player.base}/trackID=0", UDP)).status == 461
        assert (await player.ask("SETUP", f"{player.base}/trackID=0", (UDP[0], f"{UDP[1]},{TCP[1]}"))).status == 200
        assert served.server.sessions[0].transport == "tcp"
        served.settings["plain"] = True
        player.session = ""
        assert (await player.ask("SETUP", f"{player.base}/trackID=0", UDP)).status == 200
        served.settings["plain"] = False
        await asyncio.sleep(1.5)
        assert [info.transport for info in served.server.sessions] == ["tcp"]


async def test_plain_is_refused_in_words_and_ended_when_switched_off(serve, connect, car_park) -> None:
    async with serve(car_park.form, plain=False) as served:
        async with connect(served) as player:
            player.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            answer = await player.answer()
            assert answer.status == 403 and "rtsps" in answer.reason and answer.serialise() == PLAIN_REFUSED
        served.settings["plain"] = True
        async with connect(served) as player:
            await player.play()
            served.settings["plain"] = False
            assert await player.closed()


async def test_a_wrong_secret_and_a_revoked_one(serve, connect, car_park) -> None:
    async with serve(car_park.form) as served:
        async with connect(served) as player:
            right, served.secret = served.secret, "wrong"
            assert (await player.ask("DESCRIBE")).status == 401
            served.secret = right
        async with connect(served) as player:
            await player.play()
            await served.access.clients.revoke("player", by="test")
            assert await player.closed()
        await served.until_idle()
        assert not served.server.sessions


async def test_sessions_are_counted(serve, connect, car_park) -> None:
    limits = RtspServerLimits(per_principal=2)
    async with (
        serve(car_park.form, limits=limits) as served,
        connect(served) as one,
        connect(served) as two,
        connect(served) as three,
    ):
        await one.play()
        await two.play()
        await three.ask("DESCRIBE")
        track = f"{three.base}/trackID=0"
        answer = await three.ask("SETUP", track, TCP)
        assert answer.status == 453 and answer.headers.get("Retry-After")
        await one.ask("TEARDOWN")
        assert (await three.ask("SETUP", track, TCP)).status == 200


async def test_a_stream_made_on_demand_is_waited_for(serve, connect, car_park) -> None:
    limits = RtspServerLimits(describe=1.0, linger=0.2)
    async with serve(car_park.form, limits=limits) as served, connect(served) as player:
        wanted: list[bool] = []
        served.streams["stream2"] = stream = MediaStream("stream2", on_demand=wanted.append)
        uri = player.base.replace("stream1", "stream2")
        answer = await player.ask("DESCRIBE", uri)
        assert answer.status == 503 and answer.headers.get("Retry-After")
        await asyncio.sleep(0.3)
        assert wanted == [True, False]
        asyncio.get_running_loop().call_later(0.3, stream.set_format, car_park.form)
        assert (await player.ask("DESCRIBE", uri)).status == 200
        assert (await player.ask("SETUP", uri + "/trackID=0", TCP)).status == 200
        await asyncio.sleep(0.3)
        assert wanted == [True, False, True]
        await player.ask("TEARDOWN", uri)
        await asyncio.sleep(0.3)
        assert wanted == [True, False, True, False]


async def test_another_format_says_goodbye_and_closes(serve, connect, car_park, cup) -> None:
    async with serve(car_park.form, limits=RtspServerLimits(farewell=0.2)) as served, connect(served) as player:
        await player.play()
        served.stream.publish(car_park.units[0])
        served.stream.set_format(car_park.form)  # the same again: nothing happens
        served.stream.publish(car_park.units[1])
        assert served.server.sessions
        served.stream.set_format(cup.form)
        served.stream.publish(cup.units[0])
        assert not served.server.sessions
        last = None
        while isinstance(message := await player.next(), Interleaved):
            last = message
        assert message is None and last.channel == 1 and last.data[9:10] == b"\xca"


BROKEN = {
    "not RTSP": (b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n", 400),
    "bytes": (bytes(range(1, 200)) * 20, 400),
    "long URL": (b"DESCRIBE rtsp://camera/" + b"a" * 3000 + b" RTSP/1.0\r\n", 414),
    "long header": (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + b"a" * 5000, 400),
    "many headers": (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n" + b"X: a\r\n" * 100, 400),
    "huge body": (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n", 413),
    "two lengths": (b"SET_PARAMETER * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "no number": (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n", 400),
    "NUL": (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: \x00\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_requests_end_their_connection_only(serve, connect, car_park, name: str) -> None:
    data, status = BROKEN[name]
    async with serve(car_park.form) as served, connect(served) as other, connect(served) as player:
        await other.play()
        player.writer.write(data)
        assert (await player.answer()).status == status
        assert await player.closed()
        assert (await other.ask("GET_PARAMETER")).status == 200


@pytest.mark.parametrize(
    ("line", "status"), [(b"OPTIONS * RTSP/2.0\r\nCSeq: 7", 505), (b"OPTIONS * RTSP/1.0", 400)], ids=["2.0", "no CSeq"]
)
async def test_other_versions_and_missing_numbers(serve, connect, car_park, line: bytes, status: int) -> None:
    async with serve(car_park.form) as served, connect(served) as player:
        player.writer.write(line + b"\r\n\r\n")
        assert (await player.answer()).status == status


async def test_slow_and_silent_clients_are_let_go(serve, connect, car_park) -> None:
    limits = RtspServerLimits(dialog=ServerDialogLimits(request=0.5, idle=1.0), timeout=1)
    async with serve(car_park.form, limits=limits) as served:
        async with connect(served) as slow, connect(served) as silent, connect(served) as ready:
            slow.writer.write(b"OPTIONS * RTSP/1.0\r\nCSe")
            await silent.ask("OPTIONS")
            await ready.ask("DESCRIBE")
            assert (await ready.ask("SETUP", f"{ready.base}/trackID=0", TCP)).status == 200
            assert await slow.closed()
            assert await silent.closed()
            assert await ready.closed()  # set up, never played
        assert not served.server.sessions


async def test_what_keeps_being_refused_is_closed(serve, connect, car_park) -> None:
    async with serve(car_park.form) as served, connect(served) as player:
        player.writer.write(b"PLAY rtsp://camera/stream1 RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 100)
        assert await player.closed()
