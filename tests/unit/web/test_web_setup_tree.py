"""The settings tree as setup pages: the paper's menus in its order, words for values, controls by type."""

from enum import StrEnum
from typing import Literal

from camward.base.setting import SettingMeta, SettingsSection, setting
from camward.base.setting_info import describe
from camward.web.setup.tree import build_menus, slug_of, view


class Corner(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Zone(SettingsSection):
    left: float = setting(0.0, SettingMeta(title="Left"))


class Tree(SettingsSection):
    plain: bool = setting(
        False,
        SettingMeta(
            title="Plain",
            menu=("Network", "RTSP"),
            recommended=False,
            section="3.5",
            risks={"true": "Anyone can watch.", "false": "Old players can't."},
            labels={"true": "Allowed", "false": "Refused"},
        ),
    )
    width: Literal[320, 640] = setting(640, SettingMeta(title="Width", menu=("Image/Audio", "Stream 2"), unit="px"))
    corner: Corner = setting(Corner.LEFT, SettingMeta(title="Corner", menu=("Image/Audio", "Overlay")))
    hosts: tuple[str, ...] = setting(("10.0.0.1",), SettingMeta(title="Hosts", menu=("User mng.", "Host auth.")))
    zones: tuple[Zone, ...] = setting((Zone(left=1.5),), SettingMeta(title="Zones", menu=("Image/Audio", "Zones")))
    days: int | None = setting(None, SettingMeta(title="Days", menu=("Recording", "Retention"), unit="days"), ge=1)
    name: str = setting("", SettingMeta(title="Name"))


def views(tree: Tree | None = None):
    return {info.path: view(info) for info in describe(Tree, tree or Tree())}


def test_menus_are_the_papers_and_others_follow() -> None:
    menus = build_menus(describe(Tree, Tree()))
    assert [menu.name for menu in menus] == ["Basic", "Image/Audio", "User mng.", "Network", "Recording"]
    assert [page.name for page in menus[1].pages] == ["Stream 2", "Overlay", "Zones"]
    assert menus[2].pages[0].slug == "host-auth"
    assert menus[3].pages[0].sections == "3.5"


def test_what_is_not_as_recommended_is_counted() -> None:
    assert build_menus(describe(Tree, Tree()))[3].pages[0].off_recommended == 0
    assert build_menus(describe(Tree, Tree(plain=True)))[3].pages[0].off_recommended == 1


def test_values_in_words() -> None:
    found = views(Tree(plain=True, days=3))
    assert (found["plain"].now, found["plain"].recommended, found["plain"].default) == ("Allowed", "Refused", "Refused")
    assert found["plain"].risk_now == "Anyone can watch."
    assert (found["days"].now, found["days"].default) == ("3 days", "not set")
    assert (found["name"].now, found["hosts"].now, found["width"].now) == ("not set", "1 entry", "640 px")


def test_controls_by_type() -> None:
    found = views()
    controls = {path: one.control for path, one in found.items()}
    assert controls == {
        "plain": "switch", "width": "choice", "corner": "choice", "hosts": "lines", "zones": "json", "days": "number",
        "name": "text",
    }  # fmt: skip
    assert found["width"].numbers and not found["corner"].numbers
    assert found["plain"].options == (
        ("true", "Allowed", "Anyone can watch."),
        ("false", "Refused", "Old players can't."),
    )
    assert found["zones"].value == '[\n {\n  "left": 1.5\n }\n]'
    assert found["hosts"].value == "10.0.0.1"


def test_slugs() -> None:
    assert [slug_of(name) for name in ("User mng.", "Image/Audio", "IEEE 802.1x")] == [
        "user-mng", "image-audio", "ieee-802-1x",
    ]  # fmt: skip
