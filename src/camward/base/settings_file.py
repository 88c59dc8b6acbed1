"""From the text of a settings file to a validated model, or to an error that names line, key and limits."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from camward.base.errors import ConfigurationError

M = TypeVar("M", bound=BaseModel)

FILE_LIMIT = 256 * 1024
"""Bytes of a settings file. The whole tree with its comments is a tenth of it."""


class SettingsFileError(ConfigurationError):
    """A settings text can't be used.

    Args:
        message: what is wrong, without the place.
        line: line in the file, from 1; 0 when it can't be told.
        key: dotted path, or empty.
    """

    code = "SETTINGS-FILE"

    def __init__(self, message: str, *, file: str = "", line: int = 0, key: str = "", next: str = "") -> None:
        place = f"{file}, line {line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{message}", next=next)
        self.message, self.line, self.key = message, line, key


def parse_settings(model: type[M], data: bytes, *, file: str = "settings.toml") -> M:
    """Read TOML strictly (text is never taken for a number) and validate it as a whole.

    Raises:
        SettingsFileError: the first problem, by line.
    """
    if len(data) > FILE_LIMIT:
        raise SettingsFileError(f"the file has {len(data)} bytes, more than {FILE_LIMIT}", file=file)
    text, tree = _read(data, file)
    try:
        return model.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        problems = [_explain(model, text, tree, problem, file=file) for problem in error.errors(include_url=False)]
        raise min(problems, key=lambda problem: problem.line or 1 << 30) from None
    except (ValueError, RecursionError) as error:
        raise SettingsFileError(f"can't be read as settings: {error}", file=file) from None


def _read(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsFileError("not UTF-8 text", file=file, line=line) from None
    try:
        return text, tomllib.loads(text)
    except RecursionError:
        raise SettingsFileError("nested too deeply", file=file) from None
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        message = re.sub(r" \(at [^)]*\)$", "", str(error))
        raise SettingsFileError(f"not TOML: {message}", file=file, line=line) from None


def _explain(model: type[BaseModel], text: str, tree: dict[str, Any], problem: Any, *, file: str) -> SettingsFileError:
    location: tuple[str | int, ...] = problem["loc"]
    path = _existing(tree, location)
    key, line = ".".join(path), line_of(text, path)
    if problem["type"] == "extra_forbidden":
        near = nearest_key(model, key)
        hint = f'; did you mean "{near}"?' if near else ""
        return SettingsFileError(
            f'unknown key "{key}"{hint}', file=file, line=line, key=key, next="correct or remove it"
        )
    if not path:
        return SettingsFileError(_reason(problem), file=file)
    shown = repr(problem["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return SettingsFileError(f"{key} = {shown}: {_reason(problem)}", file=file, line=line, key=key)


def _reason(problem: Any) -> str:
    words: str = problem["msg"]
    return words.removeprefix("Value error, ").replace("Input should be", "must be")


def _existing(tree: dict[str, Any], location: tuple[str | int, ...]) -> tuple[str, ...]:
    """The part of a pydantic location that is a key path of the file (no list index, no union member)."""
    path: list[str] = []
    node: Any = tree
    for step in location:
        if not isinstance(node, dict) or not isinstance(step, str) or step not in node:
            break
        path.append(step)
        node = node[step]
    return tuple(path)


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line (from 1) on which the value at `path` begins; 0 if it is not there.

    TOML libraries give no positions. A key is present in a prefix of whole lines from its own line on, and prefixes
    that end inside a value don't parse, so a search by halves over the prefixes finds the line exactly.
    """
    lines = text.split("\n")  # not splitlines(): TOML knows no other line ends
    low, high = 0, len(lines)  # the prefix of `low` lines lacks the key; that of `high` has it
    if not path or not _holds(text, path):
        return 0
    while low < high:
        middle = (low + high) // 2
        end = middle
        while end < high and (state := _holds("\n".join(lines[:end]), path)) is None:
            end += 1
        if end >= high or state:  # only unfinished prefixes from the middle on: the value spans them
            high = middle
        else:
            low = end + 1
    return min(low, len(lines)) or 1


def _holds(text: str, path: tuple[str, ...]) -> bool | None:
    """Whether the text has the key; None when it ends in the middle of a value."""
    try:
        node: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def key_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted path of a tree of sections, sections included."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        yield path
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from key_paths(field.annotation, f"{path}.")


def nearest_key(model: type[BaseModel], key: str) -> str:
    """The known key most like an unknown one; empty if none is near.

    A key in the wrong section is found by its last part.
    """
    known = list(key_paths(model))
    last = key.rpartition(".")[2]
    same_last = [path for path in known if path.rpartition(".")[2] == last]
    near = same_last or difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return near[0] if near else ""
