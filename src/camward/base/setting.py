"""A setting and what people must know of it: title, risk, recommended value, white-paper section.

Each room owns a pydantic model of its section (`class X(SettingsSection)`), each field made by `setting()`. The setup
pages, the API, the CLI, the reference docs and the hardening page are all made from these models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class SettingMeta:
    """What a page shows beside a setting.

    Args:
        title: name on the page, the white paper's where it has one.
        help: one or two sentences.
        menu: path of the setup page, e.g. ("User mng.", "User auth.").
        unit: unit of a number ("days", "px"), else empty.
        section: white-paper section ("3.3"), else empty.
        counters: the threat that the recommended value counters.
        recommended: the value to use; None where none is better than another.
        risks: value (as text) -> what can happen with it.
        caution: the paper's own warning, in our words.
        restarts: which part restarts when it changes; empty: nothing.
        labels: value (as text) -> the word on the page.
    """

    title: str
    help: str = ""
    menu: tuple[str, ...] = ()
    unit: str = ""
    section: str = ""
    counters: str = ""
    recommended: object | None = None
    risks: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""
    restarts: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class SettingsSection(BaseModel):
    """Base of every section: frozen, and an unknown key is an error (the store names the nearest one)."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def setting(default: Any, meta: SettingMeta, **limits: Any) -> Any:
    """A pydantic field with its `SettingMeta`. `limits` go to pydantic's `Field` (ge, le, max_length ...)."""
    return Field(default=default, title=meta.title, description=meta.help, json_schema_extra={"meta": meta}, **limits)  # type: ignore[dict-item]


def meta_of(section: type[BaseModel], name: str) -> SettingMeta:
    """The metadata of a field.

    Raises:
        KeyError: there is no such field, or it has no metadata.
    """
    extra: object = section.model_fields[name].json_schema_extra
    meta: object = extra.get("meta") if isinstance(extra, dict) else None
    if not isinstance(meta, SettingMeta):
        raise KeyError(name)
    return meta
