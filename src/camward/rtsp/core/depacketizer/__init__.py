"""Access units from RTP payloads: H.264, H.265, AAC, Opus, G.711, ONVIF metadata."""

from camward.rtsp.core.depacketizer.aac import AacDepacketizer
from camward.rtsp.core.depacketizer.contract import LIMITS as DEPACKETIZER_LIMITS
from camward.rtsp.core.depacketizer.contract import Depacketizer, DepacketizerLimits, Emit, PayloadError
from camward.rtsp.core.depacketizer.h264 import H264Depacketizer
from camward.rtsp.core.depacketizer.h265 import H265Depacketizer
from camward.rtsp.core.depacketizer.picture import PictureDepacketizer
from camward.rtsp.core.depacketizer.samples import DocumentDepacketizer, PacketDepacketizer

__all__ = [
    "DEPACKETIZER_LIMITS",
    "AacDepacketizer",
    "Depacketizer",
    "DepacketizerLimits",
    "DocumentDepacketizer",
    "Emit",
    "H264Depacketizer",
    "H265Depacketizer",
    "PacketDepacketizer",
    "PayloadError",
    "PictureDepacketizer",
]
