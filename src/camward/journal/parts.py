"""The journal's files: parts named by their first entry's number, so that names alone give the order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from camward.journal.entry import JournalLimits

PART_FORM = re.compile(r"(\d{12})\.jsonl")


@dataclass(frozen=True, slots=True)
class PartText:
    """A part, read.

    Args:
        path: the file.
        lines: its lines that end in a newline, without it.
        tail: what is left of a write that a power cut tore, at the end; mostly empty.
    """

    path: Path
    lines: list[bytes]
    tail: bytes


def part_paths(folder: Path) -> list[Path]:
    """All parts, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if PART_FORM.fullmatch(path.name))


def part_path(folder: Path, first: int) -> Path:
    """The file of the part that begins with entry number `first`."""
    return folder / f"{first:012d}.jsonl"


def first_of(path: Path) -> int:
    """The number of the first entry of a part, by its name."""
    return int(path.stem)


def read_part(path: Path, limits: JournalLimits) -> PartText:
    """Read a part.

    A torn write is what follows the last newline, or a last line with NUL bytes: after a power cut a file may have
    got its new length but not all its blocks, and blocks that were never written read as zeros.
    """
    with path.open("rb") as file:
        data = file.read(limits.part + 2 * limits.line)
    *lines, tail = data.split(b"\n")
    if lines and b"\0" in lines[-1]:
        tail = b"\n".join([lines.pop(), tail])
    return PartText(path, lines, tail)
