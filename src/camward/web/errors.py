"""What only pages and the API can fail with."""

from __future__ import annotations

from camward.base.errors import CamwardError


class NotFoundError(CamwardError):
    """A camera, an account, a recording that is not there."""

    code = "NOT-FOUND"
