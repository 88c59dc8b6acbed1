"""`camward settings`: list, get, set, export, import every setting of a device."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from camward.cli.output import JSON_OPTION, STATE_OPTION, console_user, emit, note, table

if TYPE_CHECKING:
    from camward.access import Device
    from camward.base.setting_info import SettingInfo

app = typer.Typer(help="Every setting of a device, running or not.", no_args_is_help=True)


class Kind(StrEnum):
    """What a new state folder shall be."""

    CAMERA = "camera"
    RECORDER = "recorder"


DEVICE_OPTION = typer.Option(None, "--device", help="What a new state folder is for.", show_default=False)


@app.command("list")
def list_settings(
    state: Path = STATE_OPTION,
    device: Kind | None = DEVICE_OPTION,
    changed: bool = typer.Option(False, "--changed", help="Only what differs from its default."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Print every setting: path, value, default, recommended value, title."""
    from camward.app.state import read_settings

    infos = [info for info in read_settings(state, kind=_kind(device)) if not changed or info.current != info.default]
    marks = {True: "as recommended", False: "NOT as recommended", None: ""}
    rows = [(info.path, _text(info.current), marks[info.is_recommended], info.meta.title) for info in infos]
    emit("settings", {"settings": [_described(info) for info in infos]}, as_json=as_json, text=table(rows))


@app.command()
def get(
    path: str = typer.Argument(help="Dotted path, e.g. network.https.port."),
    state: Path = STATE_OPTION,
    device: Kind | None = DEVICE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Print the value of one setting."""
    from camward.app.state import find_setting, read_settings

    info = find_setting(read_settings(state, kind=_kind(device)), path)
    emit("setting", _described(info), as_json=as_json, text=_text(info.current))


@app.command("set")
def set_settings(
    assignments: list[str] = typer.Argument(help="PATH=VALUE ..., all or none; PATH= alone restores the default."),
    state: Path = STATE_OPTION,
    device: Kind | None = DEVICE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Change settings; a running device follows at once."""
    from camward.app.state import change_settings

    pairs = [text.partition("=") for text in assignments]
    if wrong := [path for path, sign, _ in pairs if not sign]:
        raise typer.BadParameter(f"write it as PATH=VALUE, not {wrong[0]!r}")
    changes = {path.strip(): value if value.strip() else None for path, _, value in pairs}
    now = change_settings(state, changes, who=console_user(), kind=_kind(device))
    rows = [(path, _text(value)) for path, value in now.items()]
    emit("settings-changed", {"changed": now}, as_json=as_json, text=table(rows))


@app.command()
def export(
    state: Path = STATE_OPTION,
    device: Kind | None = DEVICE_OPTION,
    output: Path | None = typer.Option(None, "-o", "--output", help="File to write; stdout without."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Write all settings as TOML, defaults included, with titles and limits as comments. No secrets are in it."""
    from camward.app.state import read_settings
    from camward.base.files import write_atomic
    from camward.base.setting_info import export_text

    text = export_text(read_settings(state, kind=_kind(device)))
    if output is not None:
        write_atomic(output, text.encode())
        note(f"Written to {output}.")
    emit("settings-export", {"toml": text}, as_json=as_json, text=None if output else text)


@app.command("import")
def import_settings(
    file: Path = typer.Argument(help="TOML, as `export` writes it; - is stdin."),
    state: Path = STATE_OPTION,
    device: Kind | None = DEVICE_OPTION,
    as_json: bool = JSON_OPTION,
) -> None:
    """Take all settings from a file, or change nothing."""
    from camward.app.state import replace_settings
    from camward.base.settings_file import FILE_LIMIT

    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
        data = source.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise typer.BadParameter(f"larger than {FILE_LIMIT} bytes")
    replace_settings(state, data.decode("utf-8", "replace"), who=console_user(), kind=_kind(device))
    emit("settings-import", {"file": str(file)}, as_json=as_json)


@app.command()
def schema(
    device: Kind = typer.Option(Kind.CAMERA, "--device", help="Whose settings."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Print the JSON schema of all settings."""
    from dataclasses import asdict, is_dataclass

    from camward.access import Device
    from camward.app.state import settings_schema

    def plain(value: object) -> object:
        return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)

    tree = json.loads(json.dumps(settings_schema(Device(device.value)), default=plain))
    emit(
        "settings-schema",
        {"device": device.value, "tree": tree},
        as_json=as_json,
        text=json.dumps(tree, indent=2, ensure_ascii=False),
    )


def _kind(device: Kind | None) -> Device | None:
    from camward.access import Device

    return None if device is None else Device(device.value)


def _described(info: SettingInfo) -> dict[str, object]:
    from camward.base.setting_info import plain

    return {
        "path": info.path,
        "value": plain(info.current),
        "default": plain(info.default),
        "recommended": plain(info.meta.recommended),
        "is_recommended": info.is_recommended,
        "title": info.meta.title,
        "type": info.type,
        "unit": info.meta.unit,
        "limits": {name: str(value) for name, value in info.limits.items()},
        "choices": [plain(choice) for choice in info.choices],
        "section": info.meta.section,
    }


def _text(value: object) -> str:
    from camward.base.setting_info import plain

    known = plain(value)
    return known if isinstance(known, str) else json.dumps(known, ensure_ascii=False)
