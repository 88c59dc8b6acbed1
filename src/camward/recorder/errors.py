"""The recorder's errors.

RecorderError
├── UnknownCameraError      no such camera in the book
├── RecorderBusyError       another process uses this recorder's state
├── IndexFileError          the index can't be read or written
└── ProbeError              a camera can't be added; `step` says where it failed
"""

from __future__ import annotations

from enum import StrEnum

from camward.base.errors import CamwardError


class RecorderError(CamwardError):
    """Root of the recorder's errors."""

    code = "RECORDER"


class UnknownCameraError(RecorderError):
    """There is no such camera."""

    code = "UNKNOWN-CAMERA"

    def __init__(self, camera_id: str) -> None:
        super().__init__(f'There is no camera "{camera_id[:40]}"', next="see the list of cameras")


class RecorderBusyError(RecorderError):
    """Another process uses this state."""

    code = "RECORDER-BUSY"


class IndexFileError(RecorderError):
    """The index can't be used.

    Args:
        newer: a newer version of this software wrote it; it is not damaged.
    """

    code = "RECORDER-INDEX"

    def __init__(self, what: str, *, why: str = "", next: str = "", newer: bool = False) -> None:
        super().__init__(what, why=why, next=next)
        self.newer = newer


class ProbeStep(StrEnum):
    """The steps of adding a camera."""

    ADDRESS = "address"
    CERTIFICATE = "certificate"
    SIGN_IN = "sign_in"
    STREAM = "stream"
    PAIR = "pair"


class ProbeError(RecorderError):
    """A camera can't be added.

    Args:
        step: where it failed.
        what: what happened.
        why: the likely cause.
        next: what to do.
    """

    code = "CAMERA-PROBE"

    def __init__(self, step: ProbeStep, what: str, *, why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next, code=f"CAMERA-{step.value.upper().replace('_', '-')}")
        self.step = step
        self.exit_code = 5 if step in (ProbeStep.SIGN_IN, ProbeStep.CERTIFICATE, ProbeStep.PAIR) else 4
