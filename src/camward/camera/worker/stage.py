"""What a source tells the pipeline, and how."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from camward.base.clock import Utc
from camward.base.errors import CamwardError
from camward.media.unit import AccessUnit, AudioFormat, VideoFormat

if TYPE_CHECKING:
    from av import VideoFrame


class SourceError(CamwardError):
    """A source can't give pictures now; it is tried again."""

    code = "SOURCE"


@dataclass(frozen=True, slots=True)
class RawVideo:
    """Pictures come decoded. `frame_rate` is nominal; `why` says why they can't pass as they are coded."""

    width: int
    height: int
    frame_rate: float
    why: str


@dataclass(frozen=True, slots=True)
class SourceForm:
    """What a source gives from now on; `device_controls` are picture settings that the device itself obeys."""

    video: VideoFormat | RawVideo
    audio: AudioFormat | None = None
    device_controls: frozenset[str] = frozenset()


class Stage(Protocol):
    """The pipeline, as sources see it; every call is made on the source's thread."""

    def on_form(self, form: SourceForm) -> None:
        """Pictures of this form follow; the first is a key picture."""

    def on_unit(self, unit: AccessUnit) -> None:
        """A coded picture, or a sound."""

    def on_picture(self, picture: VideoFrame, ticks: int, utc: Utc) -> None:
        """A decoded picture."""

    def on_lost(self, reason: str) -> None:
        """No more pictures for now."""


class Source(Protocol):
    """A place where pictures come from."""

    def run(self, stage: Stage, stop: threading.Event) -> None:
        """Give pictures until `stop` is set.

        Raises:
            SourceError: there are none; it says why.
        """
