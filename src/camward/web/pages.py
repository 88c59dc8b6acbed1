"""Renders pages: the frame, who is logged in, the rail, the banner, icons, addresses of static files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from camward.access import Action
from camward.access.principal import Role
from camward.base.clock import NS
from camward.trust.certificates import to_datetime
from camward.web.admission import Visitor
from camward.web.site import NavItem, Site, site_of

if TYPE_CHECKING:
    from camward.web.static_files import StaticTree

TEMPLATES = Path(__file__).parent / "templates"
LEVELS = {
    Role.ADMINISTRATOR: "1. Administrator",
    Role.CAMERA_CONTROL: "2. Camera control",
    Role.LIVE_ONLY: "3. Live only",
    Role.MANAGER: "2. Manager",
    Role.OPERATOR: "3. Operator",
    Role.VIEWER: "4. Viewer",
}
"""The white paper's levels, as people read them."""


def level_name(role: Role | None) -> str:
    """A role as the pages name it."""
    return LEVELS[role] if role else ""


@cache
def environment() -> Environment:
    """The templates, compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(level_name=level_name, Action=Action)
    made.filters.update(utc=_utc, json=_json, size=_size, span=_span)
    return made


def render(
    request: Request,
    visitor: Visitor,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: object,
) -> HTMLResponse:
    """A page.

    Args:
        template: below `templates/`.
        context: what the template shows besides the frame's own: `site`, `visitor`, `nav`, `icon()`, `static()`.
    """
    site, static = site_of(request), request.app.state.static
    text = (
        environment()
        .get_template(template)
        .render(
            site=site,
            visitor=visitor,
            nav=_nav(site, visitor),
            here=request.url.path,
            static=static.url,
            icon=lambda name, label="": icon(static, name, label),
            name=site.name,
            problem=site.settings.problem if visitor.may(Action.SETTINGS_READ) else None,
            **context,
        )
    )
    return HTMLResponse(text, status_code=status, headers=headers)


def icon(static: StaticTree, name: str, label: str = "") -> Markup:
    """A symbol of the sprite; with a label it speaks, without one it is decoration."""
    spoken = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="i" {}><use href="{}#{}"/></svg>').format(spoken, static.url("icons.svg"), name)


def _nav(site: Site, visitor: Visitor) -> list[NavItem]:
    return [item for item in site.nav if visitor.may_somewhere(item.action)]


def _utc(value: int) -> Markup:
    """Nanoseconds as an element that the browser shows in its own zone."""
    text = to_datetime_text(value)
    return Markup('<time class="mono" data-utc="{}" datetime="{}">{}</time>').format(value // 1_000_000, text, text)


def to_datetime_text(value: int) -> str:
    """Nanoseconds as 2026-11-02T08:14:00Z."""
    return to_datetime(value // NS * NS).strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[arg-type]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} minutes"
    return f"{whole // 3600} hours" if whole < 172_800 else f"{whole // 86_400} days"
