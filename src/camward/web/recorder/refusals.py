"""The recorder's refusals as the web answers them: which camera is unknown, which step of adding one failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from camward.base.errors import ConfigurationError
from camward.recorder import ProbeError, UnknownCameraError
from camward.web.errors import NotFoundError


class CameraRefusedError(ConfigurationError):
    """A camera can't be added or changed; the code tells the step (CAMERA-ADDRESS, CAMERA-SIGN-IN ...)."""

    code = "CAMERA"


@contextmanager
def refusals() -> Iterator[None]:
    """Give the recorder's errors their answers.

    Raises:
        NotFoundError: an unknown camera: 404.
        CameraRefusedError: a step of adding a camera failed: 422.
    """
    try:
        yield
    except UnknownCameraError as error:
        raise NotFoundError(error.what, next=error.next, code=error.code) from error
    except ProbeError as error:
        raise refusal(error) from error


def refusal(error: ProbeError) -> CameraRefusedError:
    """A failed step, as it is answered."""
    return CameraRefusedError(error.what, why=error.why, next=error.next, code=error.code)
