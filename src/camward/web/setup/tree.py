"""The settings tree as the setup pages show it: menus, pages, settings with their facts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from camward.base.setting_info import SettingInfo, plain

MENU_ORDER = ("Basic", "Image/Audio", "Alarm", "User mng.", "Network", "Maintenance")
"""The white paper's order; other menus follow in the tree's own."""
OTHER = "Basic"


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as a page shows it.

    Args:
        info: as the tree has it.
        control: "switch", "choice", "number", "text", "lines" or "json".
        options: (value as text, word, risk) of a switch or choice.
        now, recommended, default: in words.
        value: what the control holds.
    """

    info: SettingInfo
    control: str
    options: tuple[tuple[str, str, str], ...]
    now: str
    recommended: str
    default: str
    value: str

    @property
    def id(self) -> str:
        """For the page's elements."""
        return "set-" + self.info.path.replace(".", "-")

    @property
    def segmented(self) -> bool:
        """Whether the options fit side by side."""
        words = [word for _, word, _ in self.options]
        return 0 < len(words) <= 4 and sum(map(len, words)) <= 36

    @property
    def numbers(self) -> bool:
        """Whether the choices are numbers: the store takes no text for one."""
        return bool(self.info.choices) and all(isinstance(choice, int | float) for choice in self.info.choices)

    @property
    def risk_now(self) -> str:
        """What can happen with the present value."""
        return self.info.meta.risks.get(text_of(self.info.current), "")


@dataclass(frozen=True, slots=True)
class SetupPage:
    """A page below a menu: one card of settings.

    Args:
        menu: first level.
        name: second level.
        sections: the white paper's, in order.
    """

    menu: str
    name: str
    settings: tuple[SettingView, ...]

    @property
    def slug(self) -> str:
        """For the address and the anchor."""
        return slug_of(self.name)

    @property
    def sections(self) -> str:
        """ "3.2 and 3.3", or empty."""
        found = sorted({setting.info.meta.section for setting in self.settings if setting.info.meta.section})
        return " and ".join(found)

    @property
    def off_recommended(self) -> int:
        """How many settings are not as recommended."""
        return sum(setting.info.is_recommended is False for setting in self.settings)


@dataclass(frozen=True, slots=True)
class Menu:
    """A first-level menu with its pages."""

    name: str
    pages: tuple[SetupPage, ...]

    @property
    def slug(self) -> str:
        """For the address."""
        return slug_of(self.name)


def build_menus(infos: Sequence[SettingInfo]) -> list[Menu]:
    """All settings, by menu and page, in the white paper's order."""
    found: dict[str, dict[str, list[SettingView]]] = {}
    for info in infos:
        menu = info.meta.menu[0] if info.meta.menu else OTHER
        page = info.meta.menu[1] if len(info.meta.menu) > 1 else menu
        found.setdefault(menu, {}).setdefault(page, []).append(view(info))
    names = sorted(found, key=lambda name: MENU_ORDER.index(name) if name in MENU_ORDER else len(MENU_ORDER))
    return [
        Menu(name, tuple(SetupPage(name, page, tuple(settings)) for page, settings in found[name].items()))
        for name in names
    ]


def view(info: SettingInfo) -> SettingView:
    """A setting with everything in words."""
    return SettingView(
        info=info,
        control=_control(info),
        options=_options(info),
        now=word_of(info, info.current),
        recommended="" if info.meta.recommended is None else word_of(info, info.meta.recommended),
        default=word_of(info, info.default),
        value=_held(info),
    )


def text_of(value: object) -> str:
    """A value as the keys of `risks` and `labels` have it."""
    value = plain(value)
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def word_of(info: SettingInfo, value: object) -> str:
    """A value as people read it."""
    plain_value, text = plain(value), text_of(value)
    if text in info.meta.labels:
        return info.meta.labels[text]
    if plain_value is None or plain_value == "":
        return "not set"
    if isinstance(plain_value, bool):
        return "On" if plain_value else "Off"
    if isinstance(plain_value, list | dict):
        return f"{len(plain_value)} entries" if len(plain_value) != 1 else "1 entry"
    return f"{text} {info.meta.unit}".strip()


def slug_of(name: str) -> str:
    """ "User mng." -> "user-mng"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _control(info: SettingInfo) -> str:
    if info.type == "list":
        return "lines" if all(isinstance(item, str) for item in plain(info.current) or ()) else "json"
    return {"switch": "switch", "choice": "choice", "number": "number", "decimal": "number", "table": "json"}.get(
        info.type, "text"
    )


def _options(info: SettingInfo) -> tuple[tuple[str, str, str], ...]:
    values: Sequence[object] = (True, False) if info.type == "switch" else info.choices if info.type == "choice" else ()
    found = [(text_of(value), word_of(info, value), info.meta.risks.get(text_of(value), "")) for value in values]
    if found and info.optional:
        found.append(("", word_of(info, None), ""))
    return tuple(found)


def _held(info: SettingInfo) -> str:
    if _control(info) == "lines":
        return "\n".join(str(item) for item in plain(info.current) or ())
    if _control(info) == "json":
        value = plain(info.current)
        return "" if value is None else json.dumps(value, indent=1)
    return text_of(info.current)
