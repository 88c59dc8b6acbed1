"""The recorder: cameras in, flushed files and an index out, and everything that pages ask about them."""

from camward.recorder.cameras import CameraBook
from camward.recorder.errors import ProbeError, ProbeStep, RecorderError, UnknownCameraError
from camward.recorder.pins import PinnedRange
from camward.recorder.playback import MediaRange
from camward.recorder.recorder import Recorder
from camward.recorder.reindex import check, reindex
from camward.recorder.settings import CameraEntry, CamerasSettings, RecordingSettings
from camward.recorder.status import CameraState, CameraStatus, Span

__all__ = [
    "CameraBook",
    "CameraEntry",
    "CameraState",
    "CameraStatus",
    "CamerasSettings",
    "MediaRange",
    "PinnedRange",
    "ProbeError",
    "ProbeStep",
    "Recorder",
    "RecorderError",
    "RecordingSettings",
    "Span",
    "UnknownCameraError",
    "check",
    "reindex",
]
