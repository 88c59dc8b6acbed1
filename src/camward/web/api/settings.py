"""The settings tree over HTTP: what is, what may be, and changing some of it, all or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel, Field

from camward.access import Action
from camward.base.errors import ConfigurationError
from camward.base.setting_info import SettingInfo, plain
from camward.web.admission import OurSite, Who
from camward.web.routing import Routes

routes = Routes()


class Changes(BaseModel):
    """Dotted path of a setting -> its new value; null: the default holds again."""

    changes: dict[str, Any] = Field(min_length=1, max_length=200)


@routes.get("/api/v1/settings", Action.SETTINGS_READ)
async def settings(site: OurSite) -> dict[str, object]:
    """Every setting with its value, limits, default, recommendation and risks."""
    problem = site.settings.problem
    return {
        "problem": None
        if problem is None
        else {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message},
        "settings": [setting_json(info) for info in site.settings.describe()],
    }


@routes.patch("/api/v1/settings", Action.SETTINGS_CHANGE)
async def change_settings(site: OurSite, who: Who, form: Changes) -> dict[str, object]:
    """Change some settings, all or none; what is not allowed is refused with the reason and nothing changes."""
    # Two flushes to the disk and the journal: not on the event loop.
    await asyncio.to_thread(site.settings.set, form.changes, who=who.principal.name)
    return {"settings": [setting_json(info) for info in site.settings.describe() if info.path in form.changes]}


@routes.get("/api/v1/settings/schema", Action.SETTINGS_READ)
async def schema(site: OurSite) -> dict[str, Any]:
    """JSON schema of the tree."""
    found: dict[str, Any] = schema_json(site.settings.schema())
    return found


def setting_json(info: SettingInfo) -> dict[str, object]:
    """A setting as the API shows it."""
    meta = info.meta
    return {
        "path": info.path,
        "title": meta.title,
        "help": meta.help,
        "menu": list(meta.menu),
        "section": meta.section,
        "type": info.type,
        "choices": [plain(choice) for choice in info.choices],
        "limits": {name: plain(value) for name, value in info.limits.items()},
        "unit": meta.unit,
        "value": plain(info.current),
        "default": plain(info.default),
        "recommended": plain(meta.recommended),
        "as_recommended": info.is_recommended,
        "counters": meta.counters,
        "risks": dict(meta.risks),
        "caution": meta.caution,
        "restarts": meta.restarts,
        "labels": dict(meta.labels),
        "optional": info.optional,
    }


def schema_json(value: object) -> Any:
    """A JSON schema in plain JSON: the metadata dissolved."""
    if isinstance(value, dict):
        return {str(key): schema_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [schema_json(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: schema_json(getattr(value, name)) for name in value.__dataclass_fields__}
    try:
        return plain(value)
    except ConfigurationError:
        return str(value)
