"""Changing keys in a settings text while keeping its comments and its order."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import structlog
import tomlkit
from tomlkit.exceptions import TOMLKitError

log = structlog.get_logger(__name__)


def edit_text(text: str, changes: Mapping[str, Any]) -> str:
    """The text with dotted path -> plain value put in; None takes the key out.

    What tomlkit writes is read again by the standard library's parser. Should the two disagree (tomlkit has trouble
    with some mixes of dotted keys and tables), the text is written anew: right, but without its comments.
    """
    tree = tomllib.loads(text)
    for path, value in changes.items():
        _put(tree, path.split("."), value)
    try:
        document = tomlkit.parse(text)
        for path, value in changes.items():
            _put(document, path.split("."), None if value is None else _item(value))
        edited = tomlkit.dumps(document)
        if tomllib.loads(edited) == tree:
            return edited
    except (TOMLKitError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        log.debug("settings_edit_failed", error=repr(error))
    log.warning("settings_comments_lost", why="the text's form is too mixed to be edited in place")
    return dump_tree(tree)


def dump_tree(tree: Mapping[str, Any], prefix: str = "") -> str:
    """TOML of a plain tree: each table's own keys first, then its tables; tables inside lists inline."""
    own = [f"{_key(name)} = {inline(value)}\n" for name, value in tree.items() if not isinstance(value, Mapping)]
    text = (f"[{prefix}]\n" if prefix and own else "") + "".join(own) + ("\n" if own else "")
    for name, value in tree.items():
        if isinstance(value, Mapping):
            path = f"{prefix}.{_key(name)}" if prefix else _key(name)
            text += dump_tree(value, path) or f"[{path}]\n\n"
    return text


def inline(value: Any) -> str:
    """A plain value as TOML on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # A JSON string is a TOML basic string, once DEL and lone surrogates are out of the way.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return "[" + ", ".join(inline(item) for item in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_key(name)} = {inline(item)}" for name, item in value.items()) + "}"
        case float() if value.is_integer() and abs(value) < 1e15:
            return f"{value:.1f}"
        case int() | float():
            return repr(value)
    return str(tomlkit.item(value).as_string())  # dates and times


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else inline(name)


def _item(value: Any) -> Any:
    return tomlkit.parse(f"value = {inline(value)}")["value"]


def _put(node: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        if step not in node:
            if value is None:
                return
            node[step] = {} if type(node) is dict else tomlkit.table()
        node = node[step]
    if value is None:
        node.pop(steps[-1], None)
    else:
        node[steps[-1]] = value
