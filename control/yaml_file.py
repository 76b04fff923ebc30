"""A strict reader for YAML files that people write: every mistake is named with file, line, key and what is allowed.

PyYAML alone takes `1:30` for 90, `010` for 8 and `1e3` for a text, and lets the second of two equal keys win. Here a
number is what it looks like and an equal key is refused. All problems of a file are told at once.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
class Variants:
    """A nested mapping whose keys depend on the value of its key `by`, which is among the values read."""

    by: str
    fields: Mapping[str, Mapping[str, Any]]
    """Value of `by` to the keys, besides `by`, that go with it."""


@dataclass(frozen=True)
class Each:
    """A list of any length, all of whose items are of one kind; `Each(Field(str))` is a list of texts."""

    item: Field | Variants | Mapping[str, Any]
    least: int = 1
    """Fewest items."""


@dataclass(frozen=True)
class Some:
    """A nested mapping that holds any of `keys`, each with such a value; only those given are among the values."""

    keys: tuple[str, ...]
    value: Field


@dataclass(frozen=True)
class Maybe:
    """A nested mapping or list that may be left out; its value is then None."""

    fields: Mapping[str, Any] | Variants | Each


Entry = Field | Maybe | Each | Some | Variants | Mapping[str, Any]  # a Mapping is a nested mapping of the file
Fields = Mapping[str, Entry]


@dataclass(frozen=True)
class Problem:
    """One mistake in a file; line and column count from 1."""

    line: int
    column: int
    key: str
    """Such as `segments[2].seconds`; empty where the file as a whole is meant."""
    text: str
    """Key, value and what is allowed, in one line."""


class FileProblems(InputError):
    """All problems of one file, by line; the message is the first one and says how many more there are."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__(path, self.problems)  # what pickle makes it from again, in another process

    def __str__(self) -> str:
        first, more = self.problems[0], len(self.problems) - 1
        told = f"{self.path}:{first.line}: {first.text}"
        if more:
            told += f" (and {more} more problem{'s' * (more > 1)}; massage-arm check {self.path} lists all)"
        return told


def read_yaml(path: Path, schema: str, fields: Fields) -> dict[str, Any]:
    """The values of a YAML file whose key `schema` is `schema`; that key is not among the values.

    A list comes as a tuple, a nested mapping as a dict. Raises InputError for anything else than the fields describe;
    where that has a line in the file it is FileProblems, with all of them.
    """
    try:
        return _read(path, schema, fields)
    except RecursionError:
        raise InputError(f"{path}: is nested too deep, or in itself") from None


def read_schema(path: Path) -> str:
    """What a YAML file says of its own schema; InputError where it says nothing."""
    root = _root(path, "massage-arm/…")
    for key, value in root.value:
        if key.value == "schema" and isinstance(value, yaml.ScalarNode):
            return str(value.value)
    raise FileProblems(path, [_problem(root, "schema", "key schema is missing; `schema: massage-arm/…` is expected")])


def locate(path: Path, key: str) -> tuple[int, int]:
    """Line and column, from 1, of the value of a key such as `segments[2].seconds`.

    Where that is not in the file, of the nearest thing above it. For checks that take more than one key.
    """
    node = _compose(path)
    if node is None:
        return 1, 1
    mark = node.start_mark
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        if name and isinstance(node, yaml.MappingNode):
            found = next(((k.start_mark, value) for k, value in node.value if k.value == name), None)
        elif number and isinstance(node, yaml.SequenceNode) and int(number) < len(node.value):
            found = node.start_mark, node.value[int(number)]
        else:
            found = None
        if found is None:
            break
        above, node = found
        mark = above if node.value == "" else node.start_mark  # an empty value is marked where the next line begins
    return mark.line + 1, mark.column + 1


def _read(path: Path, schema: str, fields: Fields) -> dict[str, Any]:
    root = _root(path, schema)
    reader = _Reader()
    entries = reader.entries(root, "")
    values: dict[str, Any] = {}
    if "schema" not in entries:
        reader.tell(root, "schema", f"key schema is missing; `schema: {schema}` is expected")
    else:
        said = reader.scalar(entries.pop("schema")[1], "schema", Field(str, choices=(schema,)))
        if said == schema:  # the keys of another schema would all be wrong
            values = reader.mapping(root, entries, "", fields)
    if reader.problems:
        raise FileProblems(path, reader.problems)
    return values


def _root(path: Path, schema: str) -> yaml.MappingNode:
    root = _compose(path)
    if isinstance(root, yaml.MappingNode):
        return root
    text = f"the file must hold `key: value` lines, the first `schema: {schema}`"
    raise FileProblems(path, [_problem(root, "", text)])


def _compose(path: Path) -> yaml.Node | None:
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.compose(file, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: file not found") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deep") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be understood"
        text = f"is not YAML: {problem}"
        if mark is None:
            raise InputError(f"{path}: {text}") from None
        raise FileProblems(path, [Problem(mark.line + 1, mark.column + 1, "", text)]) from None


def _problem(node: yaml.Node | None, key: str, text: str) -> Problem:
    line, column = (0, 0) if node is None else (node.start_mark.line, node.start_mark.column)
    return Problem(line + 1, column + 1, key, text)


Entries = dict[str, tuple[yaml.Node, yaml.Node]]  # key to its two nodes


class _Reader:
    """Turns nodes, which know their line, into checked values; where one is wrong, keeps the problem and goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def tell(self, node: yaml.Node, key: str, text: str) -> None:
        self.problems.append(_problem(node, key, text))

    def refuse(self, node: yaml.Node, key: str, found: str, allowed: str) -> None:
        self.tell(node, key, f"{key}: {found} is not allowed; {allowed}")

    def entries(self, node: yaml.MappingNode, prefix: str) -> Entries:
        """The keys, which must be texts and differ from each other, and their values."""
        entries: Entries = {}
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(key_node, prefix.rstrip(".") or "key", _shown(key_node), "a word is")
                continue
            key = key_node.value
            if key in entries:
                first = entries[key][0].start_mark.line + 1
                self.refuse(key_node, prefix + key, "a second value", f"the first is in line {first}")
                continue
            entries[key] = key_node, value
            if isinstance(value, yaml.ScalarNode) and value.value == "":
                value.start_mark = key_node.start_mark  # an empty value is marked where the next line begins
        return entries

    def known(self, entries: Entries, prefix: str, keys: Iterable[str]) -> set[str]:
        """Refuse the keys that are not among `keys`; those of `keys` that were probably meant by them."""
        allowed, meant = list(keys), set()
        for key, (node, _) in entries.items():
            if key not in allowed:
                close, hint = _key_hint(key, allowed)
                meant.update(close)
                self.refuse(node, prefix + key, "this key", hint)
        return meant

    def mapping(self, node: yaml.Node, entries: Entries, prefix: str, fields: Fields) -> dict[str, Any]:
        meant = self.known(entries, prefix, fields)
        return {
            key: self.entry(node, entries[key][1] if key in entries else None, prefix + key, field)
            for key, field in fields.items()
            if key in entries or key not in meant  # one mistake is told once
        }

    def entry(self, parent: yaml.Node, node: yaml.Node | None, key: str, field: Entry) -> Any:
        if isinstance(field, Maybe):
            return None if node is None else self.entry(parent, node, key, field.fields)
        if isinstance(field, Field):
            return self.field(parent, node, key, field)
        if isinstance(field, Each):
            return self.each(parent, node, key, field)
        if node is None:
            if isinstance(field, Some):
                return {}
            return self.nested(parent, {}, key + ".", field)  # its own required keys are then the missing ones
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, key, _shown(node), f"a mapping with {_keys(field)} is")
            return None
        return self.nested(node, self.entries(node, key + "."), key + ".", field)

    def nested(
        self, node: yaml.Node, entries: Entries, prefix: str, field: Some | Variants | Mapping[str, Any]
    ) -> dict[str, Any]:
        if isinstance(field, Variants):
            return self.variant(node, entries, prefix, field)
        if not isinstance(field, Some):
            return self.mapping(node, entries, prefix, field)
        self.known(entries, prefix, field.keys)
        given = [(key, value) for key, (_, value) in entries.items() if key in field.keys]
        return {key: self.entry(node, value, prefix + key, field.value) for key, value in given}

    def variant(self, node: yaml.Node, entries: Entries, prefix: str, variants: Variants) -> dict[str, Any]:
        kind = Field(str, choices=tuple(variants.fields))
        said: str = _value(entries[variants.by][1], str) if variants.by in entries else ""
        if said in variants.fields:
            return self.mapping(node, entries, prefix, {variants.by: kind, **variants.fields[said]})
        anywhere = set().union(*variants.fields.values())  # which of these keys belong here is not known
        return self.mapping(
            node, {key: nodes for key, nodes in entries.items() if key not in anywhere}, prefix, {variants.by: kind}
        )

    def each(self, parent: yaml.Node, node: yaml.Node | None, key: str, each: Each) -> tuple[Any, ...] | None:
        if node is None:
            self.tell(parent, key, f"key {key} is missing; {_list(each)} is expected")
            return None
        if not isinstance(node, yaml.SequenceNode) or len(node.value) < each.least:
            self.refuse(node, key, _shown(node), f"{_list(each)} is")
            return None
        return tuple(self.entry(node, item, f"{key}[{i}]", each.item) for i, item in enumerate(node.value))

    def field(self, parent: yaml.Node, node: yaml.Node | None, key: str, field: Field) -> Any:
        if node is None:
            if not field.required:
                return field.default
            self.tell(parent, key, f"key {key} is missing; {_allowed(field)} is expected")
            return None
        if not field.required and field.default is None and node.tag.endswith(":null"):
            return None
        if isinstance(field.kind, tuple):
            return self.items(node, key, field, field.kind)
        return self.scalar(node, key, field)

    def items(self, node: yaml.Node, key: str, field: Field, kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
        if not isinstance(node, yaml.SequenceNode) or len(node.value) != len(kinds):
            self.refuse(node, key, _shown(node), f"{_allowed(field)} is")
            return None
        items = zip(node.value, kinds, strict=True)
        return tuple(
            self.scalar(item, f"{key}[{i}]", replace(field, kind=kind, note="")) for i, (item, kind) in enumerate(items)
        )

    def scalar(self, node: yaml.Node, key: str, field: Field) -> Any:
        value = _value(node, field.kind)
        if value is None or not _within(value, field):
            self.refuse(node, key, _shown(node), f"{_allowed(field)} is{_hint(value, field)}")
            return None
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


def _hint(value: object, field: Field) -> str:
    """The choice that was probably meant, if there are names to choose from."""
    names = [choice for choice in field.choices or () if isinstance(choice, str)]
    close = difflib.get_close_matches(value, names, n=1) if isinstance(value, str) and len(names) > 1 else []
    return f"; did you mean {close[0]}?" if close else ""


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


def _keys(field: Some | Variants | Mapping[str, Any]) -> str:
    if isinstance(field, Variants):
        return f"the key {field.by} ({_bounds(Field(str, choices=tuple(field.fields)))})"
    return f"the keys {', '.join(field.keys if isinstance(field, Some) else field)}"


def _list(each: Each) -> str:
    """What a list takes, in words."""
    if isinstance(each.item, Field):
        names = {float: "numbers", int: "whole numbers", str: "texts", bool: "true or false"}
        of = "lists" if isinstance(each.item.kind, tuple) else names[each.item.kind]
    else:
        of = f"mappings with {_keys(each.item)}"
    return f"a list of {f'{each.least} or more ' if each.least else ''}{of}"


_UNITS = (
    "n|kn|nm|kg|g|kgf|lb|lbf|pa|kpa|mpa|bar|mbar|psi|mmhg|m|mm|cm|um|in|inch|s|sec|ms|us|min|h|hz|khz|rpm|bpm|deg|rad|"
    "j|mj|w|c|k|percent|pct|per|mm2|cm2|m2"
)  # those of the files, and those that people write in their place
_WITH_UNIT = re.compile(rf"(.+?)((?:_(?:{_UNITS}))*)")


def _key_hint(key: str, allowed: Sequence[str]) -> tuple[list[str], str]:
    """The keys that `key` may stand for, and words about that and all that is allowed."""
    name, unit = _split_unit(key)
    units = {other: _split_unit(other)[1] for other in allowed if _split_unit(other)[0] == name}
    units = {other: other_unit for other, other_unit in units.items() if other_unit not in ("", unit)}
    listed = f"llowed are {', '.join(allowed)}"
    if units:
        right = " or ".join(units.values())
        wrong = f"the unit must be {right}, not {unit}" if unit else "the unit is missing"
        return list(units), f"{wrong}: did you mean {' or '.join(units)}? A{listed}"
    close = difflib.get_close_matches(key, allowed, n=1)
    return close, f"did you mean {close[0]}? A{listed}" if close else f"a{listed}"


def _split_unit(key: str) -> tuple[str, str]:
    """`speed_mm_s` is `speed` in `mm_s`."""
    match = _WITH_UNIT.fullmatch(key.lower())
    return (match[1], match[2].strip("_")) if match else (key, "")


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        text = node.value if len(node.value) <= 60 else node.value[:57] + "..."
        return repr(text) if node.style is not None or not text or "\n" in text else text
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(_shown(item) for item in node.value[:6])}{', ...' if len(node.value) > 6 else ''}]"
    return "a mapping"
