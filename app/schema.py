"""JSON Schemas of the files that people write, for editors, from the field tables that the files are read with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..control import plan, pressure_profile, session, tool
from ..control.yaml_file import Each, Entry, Field, Fields, Maybe, Some, Variants
from ..native.errors import InputError

Schema = dict[str, Any]

KINDS: Mapping[str, tuple[str, Fields]] = {
    "press": (plan.SCHEMA, plan.FIELDS),
    "profile": (pressure_profile.SCHEMA, pressure_profile.FIELDS),
    "session": (session.SCHEMA, session.FIELDS),
    "tool": (tool.SCHEMA, tool.FIELDS),
}
_TYPES: Mapping[object, Schema] = {
    float: {"type": "number"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    str: {"type": "string", "pattern": r"\S"},
    datetime: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"},
}


def json_schema(kind: str) -> Schema:
    """The JSON Schema (draft 2020-12) of a kind of file; InputError for a kind that is not known.

    It holds what the field table says of each key alone. What takes several keys, the body or a cap to judge only
    `massage-arm check` finds.
    """
    if kind not in KINDS:
        raise InputError(f"kind: {kind!r} is not known; one of {', '.join(KINDS)} is allowed")
    name, fields = KINDS[kind]
    shown = _mapping({"schema": Field(str, choices=(name,)), **fields})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **shown}


def _entry(entry: Entry) -> Schema:
    if isinstance(entry, Field):
        return _field(entry)
    if isinstance(entry, Maybe):
        return _entry(entry.fields)
    if isinstance(entry, Each):
        return {"type": "array", "items": _entry(entry.item), "minItems": entry.least}
    if isinstance(entry, Some):
        value = _field(entry.value)
        return {"type": "object", "properties": dict.fromkeys(entry.keys, value), "additionalProperties": False}
    if isinstance(entry, Variants):
        kinds = [_mapping({entry.by: Field(str, choices=(kind,)), **fields}) for kind, fields in entry.fields.items()]
        return {"type": "object", "required": [entry.by], "oneOf": kinds}
    return _mapping(entry)


def _mapping(fields: Fields) -> Schema:
    return {
        "type": "object",
        "properties": {key: _entry(entry) for key, entry in fields.items()},
        "required": [key for key, entry in fields.items() if _needed(entry)],
        "additionalProperties": False,
    }


def _needed(entry: Entry) -> bool:
    return entry.required if isinstance(entry, Field) else not isinstance(entry, Maybe | Some)


def _field(field: Field) -> Schema:
    if isinstance(field.kind, tuple):
        items = [{**_TYPES[kind], **_bounds(field)} for kind in field.kind]
        shown: Schema = {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    elif field.choices is not None:
        shown = {"enum": list(field.choices)}
    else:
        shown = {**_TYPES[field.kind], **_bounds(field)}
    if field.note:
        shown["description"] = field.note
    if field.required:
        return shown
    if field.default is None:  # an empty value stands for a key left out
        return {"anyOf": [shown, {"type": "null"}]}
    return {**shown, "default": field.default}


def _bounds(field: Field) -> Schema:
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    return {name: bound for name, bound in bounds.items() if isinstance(bound, int | float)}
