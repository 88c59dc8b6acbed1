"""docs/design/white-paper.md is true: the settings, files and folders that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from camward.app.settings import CameraSettings, RecorderSettings
from camward.base.setting_info import describe

ROOT = Path(__file__).parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (ROOT / "docs/design/white-paper.md").read_text().splitlines()
    if re.match(r"\| [0-9]", line)
]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_section_of_the_paper_has_a_row() -> None:
    sections = {section for row in ROWS for section in row[0].split(", ")}
    expected = {f"3.{n}" for n in range(1, 13)} | {f"4.{n}" for n in range(1, 8)} | {"5"}
    assert sections == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_what_a_row_names_exists(row: list[str]) -> None:
    _, _, state, settings, code, tests = row
    known = {info.path for model in (CameraSettings, RecorderSettings) for info in describe(model, model())}
    assert set(named(settings)) <= known
    missing = [path for path in named(code) + named(tests) if not (ROOT / path).exists()]
    assert missing == []
    if "works" in state:
        assert named(code)
        assert named(tests)
