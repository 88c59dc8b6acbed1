"""The camera's web site."""

from __future__ import annotations

from fastapi import FastAPI

from camward.access import Action, Device
from camward.web.application import build
from camward.web.camera import pages, pictures, status
from camward.web.camera.measures import CameraCollector
from camward.web.camera.parts import CameraParts
from camward.web.site import NavItem, Site

__all__ = ["CameraParts", "camera_app"]

NAV = (
    NavItem("l", "Live", "/live", "camera", Action.LIVE, phone=True),
    NavItem("h", "Status", "/status", "health", Action.STATUS, phone=True, group=2),
    NavItem("u", "Users", "/users", "users", Action.USERS, group=2),
    NavItem("j", "Journal", "/journal", "journal", Action.JOURNAL, phone=True, group=2),
    NavItem("s", "Setup", "/setup", "setup", Action.SETTINGS_READ, phone=True, group=2),
)


def camera_app(parts: CameraParts) -> FastAPI:
    """The ASGI application of a camera."""
    site = Site(
        device=Device.CAMERA,
        access=parts.access,
        settings=parts.settings,
        journal=parts.journal,
        identity=parts.identity,
        clock=parts.clock,
        nav=NAV,
    )
    return build(site, parts, (pictures.routes, status.routes, pages.routes), collectors=[CameraCollector(parts)])
