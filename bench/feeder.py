"""A source that behaves like a shelf of real cameras: RTSP over TCP, one write per RTP packet, spread over the picture.

Independent of Camward's own server, so that the recorder under test and its peer read the same bytes at the same pace.
`python -m bench.feeder CLIP [--tls CERT KEY] [--gap 0.0015]` prints its port and serves any number of clients, each
from the clip's start, looped.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import ssl
import struct
import sys
from dataclasses import dataclass

import av
import uvloop

PAYLOAD = 1400


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as the payloads of its RTP packets (RFC 6184)."""

    payloads: list[bytes]


def load(path: str) -> tuple[list[Picture], tuple[bytes, bytes]]:
    """The clip's pictures, packetised, and its SPS and PPS."""
    pictures, sets = [], {}
    with av.open(path) as container:
        stream = container.streams.video[0]
        annexb = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            for out in annexb.filter(packet):
                nals = [n for n in bytes(out).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if n]
                for nal in nals:
                    if nal[0] & 31 in (7, 8):
                        sets[nal[0] & 31] = nal
                pictures.append(Picture([p for nal in nals for p in payloads(nal)]))
    return [p for p in pictures if p.payloads], (sets[7], sets[8])


def payloads(nal: bytes) -> list[bytes]:
    """Single NAL unit packet or FU-A fragments."""
    if len(nal) <= PAYLOAD:
        return [nal]
    indicator, kind, body = (nal[0] & 0xE0) | 28, nal[0] & 31, nal[1:]
    parts = [body[i : i + PAYLOAD - 2] for i in range(0, len(body), PAYLOAD - 2)]
    last = len(parts) - 1
    return [
        bytes((indicator, kind | (0x80 if i == 0 else 0) | (0x40 if i == last else 0))) + p for i, p in enumerate(parts)
    ]


class Feeder:
    """Serves the clip to whoever asks."""

    def __init__(self, pictures: list[Picture], sets: tuple[bytes, bytes], *, gap: float, rate: float = 25.0) -> None:
        self.pictures, self.gap, self.rate = pictures, gap, rate
        sprop = ",".join(base64.b64encode(s).decode() for s in sets)
        self.sdp = (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=bench\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\n"
            "c=IN IP4 0.0.0.0\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;profile-level-id={sets[0][1:4].hex()};sprop-parameter-sets={sprop}\r\n"
            "a=control:trackID=0\r\n"
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        playing: asyncio.Task[None] | None = None
        try:
            while request := await self._request(reader):
                method, url, cseq = request
                head, body = f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nSession: 1;timeout=600\r\n", ""
                if method == "OPTIONS":
                    head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n"
                elif method == "DESCRIBE":
                    body = self.sdp
                    head += f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                elif method == "SETUP":
                    head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
                writer.write(f"{head}\r\n{body}".encode())
                if method == "PLAY" and playing is None:
                    playing = asyncio.create_task(self._play(writer))
                if method == "TEARDOWN":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            if playing:
                playing.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await playing
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, str, str] | None:
        while True:
            first = await reader.read(1)
            if not first:
                return None
            if first == b"$":
                await reader.readexactly(struct.unpack(">BH", await reader.readexactly(3))[1])
                continue
            text = (first + await reader.readuntil(b"\r\n\r\n")).decode()
            method, url, _ = text.split(" ", 2)
            cseq = next(line.split(":")[1].strip() for line in text.split("\r\n") if line.lower().startswith("cseq"))
            return method, url.rstrip("/"), cseq

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        sequence, start, number = 0, loop.time(), 0
        while True:
            for picture in self.pictures:
                ticks, last = round(number * 90000 / self.rate) & 0xFFFFFFFF, len(picture.payloads) - 1
                spread = min(self.gap, 0.9 / self.rate / len(picture.payloads))
                due = start + number / self.rate
                for i, payload in enumerate(picture.payloads):
                    if (wait := due + i * spread - loop.time()) > 0.0003:
                        await asyncio.sleep(wait)
                    writer.write(
                        struct.pack(
                            ">BBHBBHII",
                            36,
                            0,
                            len(payload) + 12,
                            128,
                            96 | (128 if i == last else 0),
                            sequence,
                            ticks,
                            1,
                        )
                        + payload
                    )
                    sequence = (sequence + 1) & 0xFFFF
                number += 1
                if number % 125 == 1:
                    writer.write(self._report(ticks))
                await writer.drain()

    def _report(self, ticks: int) -> bytes:
        import time

        now = time.time() + 2_208_988_800
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, int(now), int(now % 1 * 2**32), ticks, 0, 0)
        return struct.pack(">BBH", 36, 1, len(report)) + report


async def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clip")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--gap", type=float, default=0.0015)
    arguments = parser.parse_args()
    context = None
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)
    feeder = Feeder(*load(arguments.clip), gap=arguments.gap)
    server = await asyncio.start_server(feeder.serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
