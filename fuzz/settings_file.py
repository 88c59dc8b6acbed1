"""Fuzz target: any bytes as a settings file give settings or a `SettingsFileError`, and nothing else."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from camward.base.setting import SettingMeta, SettingsSection, setting
from camward.base.settings_file import SettingsFileError, parse_settings


class Mode(StrEnum):
    """A choice."""

    OFF = "off"
    ON = "on"


class Inner(SettingsSection):
    """A section with one of each kind."""

    port: int = setting(443, SettingMeta("Port"), ge=1, le=65535)
    mode: Mode = setting(Mode.OFF, SettingMeta("Mode"))
    names: tuple[str, ...] = setting((), SettingMeta("Names"), max_length=4)
    ratio: float | None = setting(None, SettingMeta("Ratio"))


class Tree(SettingsSection):
    """The root."""

    inner: Inner = Inner()
    enabled: bool = setting(True, SettingMeta("Enabled"))


def TestOneInput(data: bytes) -> None:  # noqa: N802 (the name that the fuzzer calls)
    """One input; a line that is named must be one of the file's."""
    try:
        parse_settings(Tree, data)
    except SettingsFileError as error:
        assert 0 <= error.line <= data.count(b"\n") + data.count(b"\r") + 1, error.line


TestOneInput.__test__ = False  # type: ignore[attr-defined]  # not a pytest test

if __name__ == "__main__":
    import atheris

    corpus = Path(__file__).parent / "corpus" / "settings_file"
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], TestOneInput)
    atheris.Fuzz()
