"""Logs go to stderr: for people on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor


def set_up_logging(*, verbose: bool = False) -> None:
    """Send our events, and what libraries log, to stderr. Called once, by the process that runs a device."""
    level = logging.DEBUG if verbose else logging.INFO
    people = sys.stderr.isatty()
    # Tracebacks without local variables, which may hold what nobody should read.
    end: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if people else "iso", utc=not people),
            *end,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked for at each event: whoever replaces stderr (a test, an embedding program) gets what is logged then.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(logging.WARNING)


class _Forward(logging.Handler):
    """What libraries log becomes events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), library=record.name, exc_info=record.exc_info or None
        )
