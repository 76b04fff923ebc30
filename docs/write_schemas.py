"""Writes docs/schemas/*.json, the JSON Schemas for editors: `python docs/write_schemas.py`."""

import json
from pathlib import Path

from massage_arm.app.schema import KINDS, json_schema

FOLDER = Path(__file__).with_name("schemas")


def schema_text(kind: str) -> str:
    """What the file of a kind holds."""
    return json.dumps(json_schema(kind), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for kind in KINDS:
        (FOLDER / f"{kind}.json").write_text(schema_text(kind), encoding="utf-8")
