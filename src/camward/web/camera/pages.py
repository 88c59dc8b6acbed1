"""The camera's own pages: live picture, picture settings, status."""

from __future__ import annotations

from fastapi import Request, Response

from camward.access import Action
from camward.base.setting_info import SettingInfo, plain
from camward.web.admission import OurSite, Who
from camward.web.camera.parts import Parts
from camward.web.camera.pictures import PICTURE_PATHS
from camward.web.camera.status import status_json
from camward.web.pages import render
from camward.web.routing import Routes
from camward.web.setup.tree import SettingView, view

routes = Routes()

CONTROLS = "media.source."


@routes.page("/live", Action.LIVE)
async def live(request: Request, parts: Parts, who: Who) -> Response:
    """The live picture."""
    settings = picture_views(parts.settings.describe(), parts.media.status.controls)
    return render(
        request,
        who,
        "camera/live.html",
        streams=list(parts.media.streams),
        picture=settings if who.may(Action.PICTURE) else [],
        zones=zones_of(parts.settings.describe()) if who.may(Action.PICTURE) else [],
    )


@routes.page("/status", Action.STATUS)
async def status(request: Request, parts: Parts, site: OurSite, who: Who) -> Response:
    """What the camera does, and who it is."""
    return render(
        request, who, "camera/status.html", facts=status_json(parts, site), root=bool(site.identity.root_pem())
    )


def picture_views(infos: list[SettingInfo], controls: tuple[str, ...]) -> list[SettingView]:
    """The picture settings that make a difference with this source, but for the zones: those are drawn."""
    found = []
    for info in infos:
        if not info.path.startswith(PICTURE_PATHS) or info.path.startswith("media.privacy."):
            continue
        if info.path.startswith(CONTROLS) and info.path.removeprefix(CONTROLS) not in controls:
            continue
        found.append(view(info))
    return found


def zones_of(infos: list[SettingInfo]) -> list[dict[str, object]]:
    """The privacy zones in force."""
    zones: list[dict[str, object]] = next((plain(i.current) for i in infos if i.path == "media.privacy.zones"), [])
    return zones
