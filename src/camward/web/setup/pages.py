"""The setup pages: menus and pages of the white paper, each setting with what one must know to choose."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from camward.access import Action
from camward.web.admission import OurSite, Who
from camward.web.errors import NotFoundError
from camward.web.pages import render
from camward.web.routing import Routes
from camward.web.setup.tree import build_menus

routes = Routes()


@routes.page("/setup", Action.SETTINGS_READ)
async def first(site: OurSite) -> Response:
    """The first menu."""
    menus = build_menus(site.settings.describe())
    return RedirectResponse(f"/setup/{menus[0].slug}", 303)


@routes.page("/setup/{menu}", Action.SETTINGS_READ)
async def menu_page(request: Request, site: OurSite, who: Who, menu: str) -> Response:
    """One menu: its pages below each other; tabs jump."""
    menus = build_menus(site.settings.describe())
    chosen = next((entry for entry in menus if entry.slug == menu), None)
    if chosen is None:
        raise NotFoundError("There is no such setup page")
    return render(
        request,
        who,
        "setup/menu.html",
        menus=menus,
        menu=chosen,
        may_change=who.may(Action.SETTINGS_CHANGE),
        may_users=who.may(Action.USERS),
    )
