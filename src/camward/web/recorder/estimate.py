"""How long the disk lasts: from what was recorded lately, and for a camera that is about to be added."""

from __future__ import annotations

from camward.media.unit import VideoFormat
from camward.recorder import Recorder

DAY_SECONDS = 86_400
BITS_PER_PIXEL = {"h264": 0.08, "h265": 0.05}
"""What cameras usually spend on a picture at moderate motion: 1080p25 in H.264 at about 4 Mbit/s."""
USUAL_RATE = 25.0


def usual_rate(video: VideoFormat) -> float:
    """kbit/s that a camera with such pictures usually sends."""
    pictures = video.frame_rate if 1 <= video.frame_rate <= 120 else USUAL_RATE
    return round(video.width * video.height * pictures * BITS_PER_PIXEL[video.codec] / 1000)


async def days_left(recorder: Recorder, *, kbit_s: float = 0.0) -> float | None:
    """Days of recordings that fit with one camera more; None when nothing can be told."""
    report = await recorder.storage()
    more = kbit_s * 1000 / 8 * DAY_SECONDS
    per_day = report.bytes_per_day + more
    if per_day <= 0:
        return None
    room = max(0, report.free - report.reserve) + report.used
    return round(room / per_day, 1)
