"""One access unit as RTP packets, in the forms that TCP and UDP readers send, each form made once."""

from __future__ import annotations

from camward.media.unit import Track

PACKET = 1400
"""Bytes of an RTP packet, header included: fits any path, tunnels too."""
SEGMENTS = 46
SEND = SEGMENTS * PACKET
"""Bytes of one segmented UDP send: what fits below 64 KiB."""


class PacketizedUnit:
    """The packets of one access unit. Made once by `StreamPacketizer`, read by all readers, never changed.

    Args:
        track: which track.
        number: counts the units of the stream; a gap of numbers is a loss.
        key: whether a decoder can start here.
        sequence: of the first packet.
        timestamp: of all packets.
        utc: when it was captured, nanoseconds.
        packets: header with payload head, and piece of the unit.
        report: an RTCP sender report that goes out ahead of the unit; empty for most units.
    """

    __slots__ = (
        "_runs",
        "framed",
        "key",
        "number",
        "packets",
        "report",
        "sequence",
        "size",
        "timestamp",
        "track",
        "utc",
    )

    def __init__(
        self,
        *,
        track: Track,
        number: int,
        key: bool,
        sequence: int,
        timestamp: int,
        utc: int,
        packets: list[tuple[bytes, bytes | memoryview]],
        report: bytes = b"",
    ) -> None:
        self.track = track
        self.number = number
        self.key = key
        self.sequence = sequence
        self.timestamp = timestamp
        self.utc = utc
        self.packets = packets
        self.report = report
        self.size = sum([len(head) + len(piece) for head, piece in packets])
        self.framed: dict[int, bytes] = {}
        self._runs: list[tuple[bytes, int]] | None = None

    def frame(self, channels: int) -> bytes:
        """All packets as interleaved frames (RFC 2326 10.12), the report first; kept in `framed`.

        Args:
            channels: RTP channel * 256 + RTCP channel: one number, so that the hot path looks it up at once.
        """
        parts: list[bytes | memoryview] = []
        if self.report:
            parts += (b"$%c" % (channels & 0xFF), len(self.report).to_bytes(2, "big"), self.report)
        start = b"$%c" % (channels >> 8)
        for head, piece in self.packets:
            parts.append(start + (len(head) + len(piece)).to_bytes(2, "big") + head)
            parts.append(piece)
        framed = self.framed[channels] = b"".join(parts)
        return framed

    @property
    def runs(self) -> list[tuple[bytes, int]]:
        """All packets as datagrams: runs of bytes to send at once, each with the size of its segments.

        Within a run only the last packet may be shorter (UDP_SEGMENT); a run is `SEND` bytes at most.
        """
        if self._runs is None:
            self._runs = _runs(self.packets)
        return self._runs


def _runs(packets: list[tuple[bytes, bytes | memoryview]]) -> list[tuple[bytes, int]]:
    runs: list[tuple[bytes, int]] = []
    parts: list[bytes | memoryview] = []
    size = count = 0
    for head, piece in packets:
        length = len(head) + len(piece)
        if parts and (length > size or count == SEGMENTS or size * (count + 1) > SEND):
            runs.append((b"".join(parts), size))
            parts = []
        if not parts:
            size, count = length, 0
        parts += (head, piece)
        count += 1
        if length < size:
            runs.append((b"".join(parts), size))
            parts = []
    if parts:
        runs.append((b"".join(parts), size))
    return runs
