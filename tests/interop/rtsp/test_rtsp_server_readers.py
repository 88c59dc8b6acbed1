"""Slow readers lose their own pictures and nobody else's; UDP goes out in segmented sends, spread when it is much."""

import asyncio
import itertools
import math
import socket
import threading

import pytest

from camward.base.clock import Utc
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.aio.server import RtspServerLimits
from camward.rtsp.aio.udp_ports import UdpPorts
from camward.rtsp.core.packetizer import SEND, StreamPacketizer
from camward.rtsp.core.rtcp import ReceiverReport, ReportBlock, build_receiver_report
from camward.rtsp.core.rtp import RtpPacket, parse_rtp


def pictures(count: int, *, size: int, group: int) -> list[AccessUnit]:
    """Made-up pictures of one NAL unit each; only sizes and times matter here."""
    units = []
    for number in range(count):
        key = number % group == 0
        nal = bytes((0x65 if key else 0x41,)) + number.to_bytes(4, "big") + bytes(size - 5)
        flags = Flags.KEY if key else Flags.NONE
        units.append(
            AccessUnit(Track.VIDEO, number * 3600, Utc(number * 40_000_000), size.to_bytes(4, "big") + nal, flags)
        )
    return units


def numbers_of(packets: list[RtpPacket]) -> list[int]:
    """Which pictures these packets are, by the number in the first fragment of each."""
    found = []
    for packet in packets:
        payload = bytes(packet.payload)
        if payload[0] & 31 == 28 and payload[1] & 0x80:
            found.append(int.from_bytes(payload[2:6], "big"))
    return found


async def test_a_slow_reader_loses_whole_groups_of_its_own(serve, connect, car_park) -> None:
    units = pictures(400, size=40_000, group=10)
    limits = RtspServerLimits(queue=500_000)
    async with serve(car_park.form, limits=limits) as served, connect(served) as slow, connect(served) as quick:
        slow.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        await slow.play()
        await quick.play()
        slow.writer.transport.pause_reading()

        async def read(player) -> list[int]:
            found: list[int] = []
            while found[-1:] != [399]:
                frame = await player.frame()
                if frame.channel == 0:
                    found += numbers_of([parse_rtp(frame.data)])
            return found

        reading = asyncio.create_task(read(quick))
        for unit in units:
            served.stream.publish(unit)
            await asyncio.sleep(0.001)
            if unit is units[300]:
                slow.writer.transport.resume_reading()
                late = asyncio.create_task(read(slow))
        assert await reading == list(range(400))
        seen = await late
        lost = max(info.lost for info in served.server.sessions)
    assert min(lost, len(seen)) > 20 and len(seen) + lost == 400
    # Each gap ends at a key picture.
    for before, after in itertools.pairwise(seen):
        assert after == before + 1 or after % 10 == 0


async def test_a_reader_that_stops_for_good_is_let_go(serve, connect, car_park) -> None:
    async with serve(car_park.form, limits=RtspServerLimits(stall=0.5)) as served, connect(served) as player:
        await player.play()
        player.writer.transport.pause_reading()
        for unit in pictures(300, size=60_000, group=10):
            served.stream.publish(unit)
        await served.until_idle()


async def test_a_new_reader_has_the_whole_open_group_even_when_it_is_large(serve, connect, car_park) -> None:
    units = pictures(100, size=100_000, group=100)
    limits = RtspServerLimits(queue=500_000)
    async with serve(car_park.form, limits=limits) as served, connect(served) as first, connect(served) as second:
        await first.ask("DESCRIBE")  # keeps the stream up
        for unit in units:
            served.stream.publish(unit)
        await second.play()
        seen: list[int] = []
        while seen[-1:] != [99]:
            frame = await second.frame()
            if frame.channel == 0:
                seen += numbers_of([parse_rtp(frame.data)])
        assert seen == list(range(100))


@pytest.mark.parametrize("size", [200, 1388, 1389, 30_000, 64_000, 260_000])
def test_sends_of_one_picture(size: int) -> None:
    (unit,) = pictures(1, size=size, group=1)
    packetizer = StreamPacketizer(cname="test")
    packetizer.set_format(StreamFormat(VideoFormat("h264", 64, 64, ())))
    packetized = packetizer.packetize(unit)
    assert len(packetized.runs) == math.ceil(packetized.size / SEND)
    for run, segment in packetized.runs:
        assert len(run) <= SEND and (segment == 1400 or len(run) == segment)


async def udp_pair() -> tuple[socket.socket, socket.socket, UdpPorts, list[bytes]]:
    heard: list[bytes] = []
    client = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in client:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
    numbers = tuple(sock.getsockname()[1] for sock in client)
    ports = UdpPorts(("127.0.0.1", 0), ("127.0.0.1", 0), numbers, on_packet=heard.append)
    return client[0], client[1], ports, heard


async def test_one_segmented_send_is_many_datagrams_and_the_kernel_s_no_is_taken() -> None:
    rtp, rtcp, ports, heard = await udp_pair()
    try:
        assert ports.ports[0] % 2 == 0 and ports.ports[1] == ports.ports[0] + 1
        run = bytes(range(250)) * 40
        assert ports.send(run, 1400)
        assert [len(rtp.recv(2000)) for _ in range(8)] == [1400] * 7 + [200]
        # More segments than the kernel takes: sent one by one instead, and from then on.
        assert ports.send(run[:3000], 20)
        assert b"".join(rtp.recv(2000) for _ in range(150)) == run[:3000]
        rtcp.sendto(b"report", ("127.0.0.1", ports.ports[1]))
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.sendto(b"forged", ("127.0.0.1", ports.ports[1]))
        stranger.close()
        await asyncio.sleep(0.05)
        assert heard == [b"report"]
        rtp.close()
        assert ports.send(run, 1400) and ports.send(run, 1400)  # nobody listens: lost, not an error
    finally:
        ports.close()
        rtp.close()
        rtcp.close()


async def test_udp_playback_is_spread_and_kept_alive_by_reports(serve, connect, car_park) -> None:
    units = pictures(60, size=150_000, group=20)
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in clients:
        sock.bind(("127.0.0.1", 0))
    numbers = "-".join(str(sock.getsockname()[1]) for sock in clients)
    packets: list[RtpPacket] = []

    def receive() -> None:
        """In a thread: a busy event loop would let the socket's buffer run over."""
        while data := clients[0].recv(2000):
            packets.append(parse_rtp(data))

    receiver = threading.Thread(target=receive)
    receiver.start()
    try:
        async with serve(car_park.form, limits=RtspServerLimits(timeout=2)) as served, connect(served) as player:
            await player.ask("DESCRIBE")
            way = ("Transport", f"RTP/AVP;unicast;client_port={numbers}")
            answer = await player.ask("SETUP", f"{player.base}/trackID=0", way)
            server_port = int(answer.headers.get("Transport").split("server_port=")[1].split("-")[0])
            await player.ask("PLAY")
            for unit in units[:30]:
                served.stream.publish(unit)
                await asyncio.sleep(0.04)
            report = build_receiver_report(
                ReceiverReport(7, (ReportBlock(packets[0].ssrc, fraction_lost=64),)), cname="player"
            )
            clients[1].sendto(report, ("127.0.0.1", server_port + 1))
            for unit in units[30:]:
                served.stream.publish(unit)
                await asyncio.sleep(0.04)
            assert numbers_of(packets) == list(range(60))
            assert len(packets) == 60 * math.ceil((150_000 - 1) / 1386)
            (info,) = served.server.sessions
            assert info.fraction_lost == 0.25 and info.transport == "udp"
            async with asyncio.timeout(6):
                while served.server.sessions:  # silence ends it
                    await asyncio.sleep(0.1)
    finally:
        clients[1].sendto(b"", clients[0].getsockname())
        receiver.join(5)
        for sock in clients:
            sock.close()
