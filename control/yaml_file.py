"""A strict reader for YAML files that people write: every mistake is named with file, line, key and what is allowed.

PyYAML alone takes `1:30` for 90, `010` for 8 and `1e3` for a text, and lets the second of two equal keys win. Here a
number is what it looks like and an equal key is refused.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ..native.errors import InputError

_TIME = "%Y-%m-%dT%H:%M"  # local time, to the minute


@dataclass(frozen=True)
class Field:
    """What one key may hold."""

    kind: type | tuple[type, ...]
    """float, int, str, bool or datetime; a tuple such as (float, float, float) is a list with these items."""
    minimum: float | datetime | None = None
    """Smallest number or earliest time allowed, itself included; for a list it holds for every item."""
    maximum: float | datetime | None = None
    choices: tuple[object, ...] | None = None
    required: bool = True
    default: object = None
    """The value of a key left out; where this is None, an empty value (`key:`) stands for it too."""
    note: str = ""
    """Where the bounds come from, for who broke them."""


@dataclass(frozen=True)
class Maybe:
    """A nested mapping that may be left out; its value is then None."""

    fields: Mapping[str, Any]


Fields = Mapping[
    str, "Field | Maybe | Mapping[str, Any]"
]  # a Mapping in the place of a Field is a nested mapping of the file


def read_yaml(path: Path, schema: str, fields: Fields) -> dict[str, Any]:
    """The values of a YAML file whose key `schema` is `schema`; that key is not among the values.

    A list comes as a tuple, a nested mapping as a dict. Raises InputError for anything else than the fields describe.
    """
    try:
        return _read(path, schema, fields)
    except RecursionError:
        raise InputError(f"{path}: is nested too deep, or in itself") from None


def _read(path: Path, schema: str, fields: Fields) -> dict[str, Any]:
    root = _compose(path)
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1 if root is not None else 1
        raise InputError(f"{path}:{line}: the file must hold `key: value` lines, the first `schema: {schema}`")
    reader = _Reader(path)
    entries = reader.entries(root, "")
    if "schema" not in entries:
        raise InputError(f"{path}:1: key schema is missing; `schema: {schema}` is expected")
    reader.scalar(entries.pop("schema"), "schema", Field(str, choices=(schema,)))
    return reader.mapping(root, entries, "", fields)


def _compose(path: Path) -> yaml.Node | None:
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.compose(file, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"{path}"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be understood"
        raise InputError(f"{where}: is not YAML: {problem}") from None


class _Reader:
    """Turns nodes, which know their line, into checked values."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, node: yaml.Node, key: str, found: str, allowed: str) -> InputError:
        return InputError(f"{self.path}:{node.start_mark.line + 1}: {key}: {found} is not allowed; {allowed}")

    def entries(self, node: yaml.MappingNode, prefix: str) -> dict[str, yaml.Node]:
        """Key to value node; keys must be texts and differ from each other."""
        entries: dict[str, yaml.Node] = {}
        lines: dict[str, int] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.fail(key_node, prefix.rstrip(".") or "key", _shown(key_node), "a word is")
            key = key_node.value
            line = key_node.start_mark.line + 1
            if key in entries:
                raise self.fail(key_node, prefix + key, "a second value", f"the first is in line {lines[key]}")
            entries[key], lines[key] = value, line
            if isinstance(value, yaml.ScalarNode) and value.value == "":
                value.start_mark = key_node.start_mark  # an empty value is marked where the next line begins
        return entries

    def mapping(self, node: yaml.Node, entries: dict[str, yaml.Node], prefix: str, fields: Fields) -> dict[str, Any]:
        for key, value in entries.items():
            if key not in fields:
                raise self.fail(value, prefix + key, "this key", _key_hint(key, fields))
        return {key: self._entry(node, entries.get(key), prefix + key, field) for key, field in fields.items()}

    def _entry(
        self, parent: yaml.Node, node: yaml.Node | None, key: str, field: Field | Maybe | Mapping[str, Any]
    ) -> Any:
        if isinstance(field, Maybe):
            return None if node is None else self._entry(parent, node, key, field.fields)
        if not isinstance(field, Field):
            if node is None:  # its own required keys are then the missing ones
                return self.mapping(parent, {}, key + ".", field)
            if not isinstance(node, yaml.MappingNode):
                raise self.fail(node, key, _shown(node), f"a mapping with the keys {', '.join(field)} is")
            return self.mapping(node, self.entries(node, key + "."), key + ".", field)
        if node is None:
            if not field.required:
                return field.default
            line = parent.start_mark.line + 1
            raise InputError(f"{self.path}:{line}: key {key} is missing; {_allowed(field)} is expected")
        if not field.required and field.default is None and node.tag.endswith(":null"):
            return None
        if isinstance(field.kind, tuple):
            return self._items(node, key, field, field.kind)
        return self.scalar(node, key, field)

    def _items(self, node: yaml.Node, key: str, field: Field, kinds: tuple[type, ...]) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode) or len(node.value) != len(kinds):
            raise self.fail(node, key, _shown(node), f"{_allowed(field)} is")
        items = zip(node.value, kinds, strict=True)
        return tuple(
            self.scalar(item, f"{key}[{i}]", Field(kind, field.minimum, field.maximum, field.choices))
            for i, (item, kind) in enumerate(items)
        )

    def scalar(self, node: yaml.Node, key: str, field: Field) -> Any:
        value = _value(node, field.kind)
        if value is None or not _within(value, field):
            raise self.fail(node, key, _shown(node), f"{_allowed(field)} is")
        return value


def _value(node: yaml.Node, kind: object) -> Any:
    """The node's value as `kind`; None when it is not one."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    text, plain = node.value, node.style is None
    if kind is str:
        return text if node.tag.endswith(":str") and text.strip() else None
    if not plain:  # a number in quotes is a text
        return None
    if kind is bool:
        return {"true": True, "false": False}.get(text)
    try:
        if kind is datetime:
            return datetime.strptime(text, _TIME)
        if kind is int:
            return int(text)
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _within(value: Any, field: Field) -> bool:
    if field.choices is not None and value not in field.choices:
        return False
    if field.minimum is not None and value < field.minimum:
        return False
    return field.maximum is None or value <= field.maximum


def _allowed(field: Field) -> str:
    """What the field takes, in words."""
    return _bounds(field) + (f" ({field.note})" if field.note else "")


def _bounds(field: Field) -> str:
    if field.choices is not None:
        return f"{'one of ' if len(field.choices) > 1 else ''}{', '.join(map(_spelled, field.choices))}"
    names = {float: "a finite number", int: "a whole number", str: "a text", bool: "true or false"}
    names[datetime] = "a time such as 2026-11-26T10:00"
    kind = f"a list of {len(field.kind)} numbers" if isinstance(field.kind, tuple) else names[field.kind]
    if field.minimum is not None and field.maximum is not None:
        return f"{kind} from {_spelled(field.minimum)} to {_spelled(field.maximum)}"
    if field.minimum is not None:
        return f"{kind} from {_spelled(field.minimum)} up"
    return f"{kind} up to {_spelled(field.maximum)}" if field.maximum is not None else kind


def _spelled(value: object) -> str:
    """A value as it is to be written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime(_TIME)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _key_hint(key: str, fields: Fields) -> str:
    close = difflib.get_close_matches(key, fields, n=1)
    return f"did you mean {close[0]}? Allowed are {', '.join(fields)}" if close else f"allowed are {', '.join(fields)}"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        text = node.value if len(node.value) <= 60 else node.value[:57] + "..."
        return repr(text) if node.style is not None or not text or "\n" in text else text
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(_shown(item) for item in node.value[:6])}{', ...' if len(node.value) > 6 else ''}]"
    return "a mapping"
