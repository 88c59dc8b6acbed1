"""The recorder's web application: its pages and API on the base that all devices share."""

from __future__ import annotations

from fastapi import FastAPI

from camward.access.principal import Device
from camward.access.table import Action
from camward.web.application import build
from camward.web.recorder import cameras, events, live, pages, recordings, status
from camward.web.recorder.event_log import EventLog
from camward.web.recorder.measures import RecorderCollector
from camward.web.recorder.parts import RecorderParts
from camward.web.site import NavItem, Site

__all__ = ["RecorderParts", "recorder_app"]

NAV = (
    NavItem("l", "Live", "/live", "live", Action.CAMERAS_READ, phone=True),
    NavItem("t", "Timeline", "/timeline", "timeline", Action.RECORDED, phone=True),
    NavItem("e", "Events", "/events", "events", Action.EVENTS, phone=True),
    NavItem("c", "Cameras", "/cameras", "cameras", Action.CAMERAS_READ, phone=True),
    NavItem("h", "Health", "/health", "health", Action.STATUS, group=2),
    NavItem("u", "Users", "/users", "users", Action.USERS, group=2),
    NavItem("j", "Journal", "/journal", "journal", Action.JOURNAL, group=2),
    NavItem("s", "Setup", "/setup", "setup", Action.SETTINGS_READ, group=2),
)


def recorder_app(parts: RecorderParts) -> FastAPI:
    """The ASGI application. It starts the event log; close that (`parts.log.close()`) at the end."""
    if parts.event_log is None:
        parts.event_log = EventLog(parts.journal, parts.clock, parts.events)
    site = Site(
        device=Device.RECORDER,
        access=parts.access,
        settings=parts.settings,
        journal=parts.journal,
        identity=parts.identity,
        clock=parts.clock,
        nav=NAV,
    )
    return build(
        site,
        parts,
        [pages.routes, live.routes, cameras.routes, recordings.routes, events.routes, status.routes],
        collectors=[RecorderCollector(parts)],
    )
