"""Access units to RTP packets: each unit once, its bytes shared by all readers."""

from camward.rtsp.core.packetizer.stream import StreamPacketizer
from camward.rtsp.core.packetizer.unit import PACKET, SEND, PacketizedUnit

__all__ = ["PACKET", "SEND", "PacketizedUnit", "StreamPacketizer"]
