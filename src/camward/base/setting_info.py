"""What a settings tree says about itself: for the setup pages, the API, the CLI and the reference docs."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from camward.base.errors import ConfigurationError
from camward.base.setting import SettingMeta, meta_of
from camward.base.settings_edit import inline

LIMIT_WORDS = {
    "ge": "at least", "gt": "more than", "le": "at most", "lt": "less than",
    "min_length": "length at least", "max_length": "length at most", "multiple_of": "a multiple of",
    "pattern": "of the form",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting.

    Args:
        path: dotted path in the tree.
        meta: title, help, risks; see `SettingMeta`.
        type: "switch", "number", "decimal", "text", "choice", "list" or "table".
        choices: allowed values, for a choice (also of a list's items).
        limits: constraint name (ge, le, max_length, pattern ...) -> value.
        default: value when nobody chose one.
        current: value in use.
        optional: whether None is allowed.
        is_recommended: None where no value is better than another.
    """

    path: str
    meta: SettingMeta
    type: str
    choices: tuple[object, ...]
    limits: dict[str, object]
    default: object
    current: object
    optional: bool
    is_recommended: bool | None

    def limits_in_words(self) -> str:
        """ "at least 1, at most 65535", or empty."""
        return ", ".join(f"{LIMIT_WORDS.get(name, name)} {value}" for name, value in self.limits.items())

    def read(self, text: str) -> object:
        """The value that a person typed on a command line or in a form; the store then validates it.

        Raises:
            ConfigurationError: it is not of this setting's type.
        """
        word = text.strip()
        if self.optional and word in ("", "none"):
            return None
        reader = _READERS.get(self.type)
        return reader(self, word) if reader else text


def describe(model: type[BaseModel], current: BaseModel) -> list[SettingInfo]:
    """Every setting of the tree, in order.

    Raises:
        KeyError: a field that is neither a section nor made by `setting()`: a mistake in the room that owns it.
    """
    return list(_walk(model, current, model(), prefix=""))


def _walk(model: type[BaseModel], current: BaseModel, default: BaseModel, *, prefix: str) -> Iterator[SettingInfo]:
    for name, field in model.model_fields.items():
        value, standard = getattr(current, name), getattr(default, name)
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _walk(section, value, standard, prefix=f"{prefix}{name}.")
        else:
            meta = meta_of(model, name)
            yield _info(f"{prefix}{name}", field, meta, current=value, default=standard)


def _info(path: str, field: FieldInfo, meta: SettingMeta, *, current: object, default: object) -> SettingInfo:
    kind, choices, optional = _type_of(field.annotation)
    return SettingInfo(
        path=path,
        meta=meta,
        type=kind,
        choices=choices,
        limits=_limits(field),
        default=default,
        current=current,
        optional=optional,
        is_recommended=None if meta.recommended is None else current == meta.recommended,
    )


def _limits(field: FieldInfo) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in field.metadata:
        for name in LIMIT_WORDS:
            if (value := getattr(item, name, None)) is not None:
                found[name] = value
    return found


_TYPE_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "switch"),
    (int, "number"),
    (float, "decimal"),
    (dict, "table"),
    (BaseModel, "table"),
)


def _type_of(annotation: Any) -> tuple[str, tuple[object, ...], bool]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        rest = [item for item in arguments if item is not type(None)]
        kind, choices, _ = _type_of(rest[0]) if len(rest) == 1 else ("text", (), False)
        return kind, choices, len(rest) < len(arguments)
    if origin is Literal:
        return "choice", arguments, False
    if origin in (tuple, list, set, frozenset):
        inner = _type_of(arguments[0]) if arguments else ("text", (), False)
        return "list", inner[1], False
    if origin is dict:
        return "table", (), False
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "choice", tuple(member.value for member in annotation), False
    for base, word in _TYPE_WORDS:
        if isinstance(annotation, type) and issubclass(annotation, base):
            return word, (), False
    return "text", (), False


def leaf_values(tree: BaseModel, prefix: str = "") -> dict[str, object]:
    """Dotted path -> value, sections dissolved."""
    found: dict[str, object] = {}
    for name in type(tree).model_fields:
        value = getattr(tree, name)
        if isinstance(value, BaseModel) and isinstance(type(tree).model_fields[name].annotation, type):
            found.update(leaf_values(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def plain(value: object) -> Any:
    """A value as TOML and JSON have it: enums by value, tuples as lists, models as tables; None stays None.

    Raises:
        ConfigurationError: a type that settings can't hold (a secret, say).
    """
    match value:
        case None | bool() | int() | float() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return plain(value.value)
        case BaseModel():
            return plain(value.model_dump(mode="json", exclude_none=True))
        case Mapping():
            return {str(key): plain(item) for key, item in value.items() if item is not None}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Path():
            return str(value)
    raise ConfigurationError(f"a setting can't hold a {type(value).__name__}")


def _read_switch(info: SettingInfo, word: str) -> object:
    known = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
    if word.lower() not in known:
        raise ConfigurationError(f'{info.path}: "{word}" is neither on nor off')
    return known[word.lower()]


def _read_number(info: SettingInfo, word: str) -> object:
    try:
        return int(word) if info.type == "number" else float(word)
    except ValueError:
        raise ConfigurationError(f'{info.path}: "{word[:40]}" is not a number') from None


def _read_choice(info: SettingInfo, word: str) -> object:
    for choice in info.choices:
        if str(choice).lower() == word.lower():
            return choice
    raise ConfigurationError(
        f'{info.path}: "{word[:40]}" is not a choice', next="use one of " + ", ".join(str(c) for c in info.choices)
    )


def _read_json(info: SettingInfo, word: str) -> object:
    if info.type == "list" and not word.startswith("["):
        return [item.strip() for item in word.split(",") if item.strip()]
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{info.path}: not JSON", next="write it as JSON") from None


_READERS: dict[str, Callable[[SettingInfo, str], object]] = {
    "switch": _read_switch,
    "number": _read_number,
    "decimal": _read_number,
    "choice": _read_choice,
    "list": _read_json,
    "table": _read_json,
}


def export_text(infos: list[SettingInfo]) -> str:
    """The tree as TOML, a comment over each key; a key without a value is shown as a comment."""
    sections: dict[str, list[str]] = {}
    for info in infos:
        section, _, name = info.path.rpartition(".")
        notes = [info.meta.title, info.meta.unit, info.limits_in_words(), ", ".join(str(c) for c in info.choices)]
        value = plain(info.current)
        line = f"# {name} =" if value is None else f"{name} = {inline(value)}"
        sections.setdefault(section, []).append(f"# {'; '.join(note for note in notes if note)}\n{line}\n")
    # Keys of the root must come before the first table.
    order = sorted(sections, key=lambda section: section != "")
    return "\n".join((f"[{section}]\n" if section else "") + "".join(sections[section]) for section in order)
