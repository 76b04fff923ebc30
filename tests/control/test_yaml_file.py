"""The strict YAML reader: values as written, every mistake named with file, line, key, value and what is allowed."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.yaml_file import Field, Fields, read_yaml
from massage_arm.native.errors import InputError

SCHEMA = "massage-arm/test/1"
FIELDS: Fields = {
    "force_n": Field(float, 0.0, 60.0),
    "count": Field(int, 1, required=False, default=3),
    "name": Field(str, required=False),
    "soft": Field(bool, required=False, default=False),
    "mode": Field(str, choices=("ideal", "harsh"), required=False, default="ideal"),
    "place_mm": Field((float, float, float), -100.0, 100.0, required=False, default=(0.0, 0.0, 0.0)),
    "sensor": {"mass_kg": Field(float, 0.0, required=False, default=0.1), "note": Field(str, required=False)},
}


def read(folder: Path, text: str, fields: Fields = FIELDS, schema: str = SCHEMA) -> dict[str, Any]:
    path = folder / "file.yaml"
    path.write_text(f"schema: {schema}\n{text}", encoding="utf-8")
    return read_yaml(path, SCHEMA, fields)


def test_values_and_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "force_n: 40  # N\n") == {
        "force_n": 40.0,
        "count": 3,
        "name": None,
        "soft": False,
        "mode": "ideal",
        "place_mm": (0.0, 0.0, 0.0),
        "sensor": {"mass_kg": 0.1, "note": None},
    }
    text = "force_n: 4e1\ncount: 7\nname: 'Anna: left'\nsoft: true\nmode: harsh\nplace_mm: [1, -2.5, 3e0]\n"
    values = read(tmp_path, text + "sensor:\n  mass_kg: .5\n  note:\n")
    assert values["force_n"] == 40.0
    assert isinstance(values["force_n"], float)
    assert (values["count"], values["name"], values["soft"], values["mode"]) == (7, "Anna: left", True, "harsh")
    assert values["place_mm"] == (1.0, -2.5, 3.0)
    assert values["sensor"] == {"mass_kg": 0.5, "note": None}


@given(st.floats(0.0, 60.0))
def test_every_number_comes_back(value: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert read(Path(folder), f"force_n: {value!r}\n")["force_n"] == value


WRONG = {
    "unknown key": ("force_n: 1\nforse: 2\n", 3, ["forse", "force_n"]),
    "unknown key, nothing close": (
        "force_n: 1\nxyz: 2\n",
        3,
        ["xyz: this key is not allowed", "allowed are force_n, count"],
    ),
    "unknown nested key": ("force_n: 1\nsensor:\n  mass: 2\n", 4, ["sensor.mass", "did you mean mass_kg?"]),
    "missing": ("count: 2\n", 1, ["key force_n is missing", "a finite number from 0 to 60"]),
    "twice": ("force_n: 1\ncount: 2\nforce_n: 3\n", 4, ["force_n: a second value", "line 2"]),
    "empty": ("force_n:\ncount: 2\n", 2, ["force_n: ''", "a finite number"]),
    "null": ("force_n: null\n", 2, ["force_n: null", "a finite number"]),
    "text for number": ("force_n: forty\n", 2, ["force_n: forty", "a finite number from 0 to 60"]),
    "quoted number": ("force_n: '40'\n", 2, ["force_n: '40'", "a finite number"]),
    "unit with number": ("force_n: 40 N\n", 2, ["force_n: 40 N", "a finite number"]),
    "too large": ("force_n: 60.5\n", 2, ["force_n: 60.5", "0 to 60"]),
    "too small": ("force_n: -1\n", 2, ["force_n: -1", "0 to 60"]),
    "NaN": ("force_n: .nan\n", 2, ["force_n: .nan", "finite"]),
    "nan": ("force_n: nan\n", 2, ["force_n: nan", "finite"]),
    "infinite": ("force_n: 1e999\n", 2, ["force_n: 1e999", "finite"]),
    "clock": ("force_n: 1:30\n", 2, ["force_n: 1:30", "a finite number"]),
    "boolean for number": ("force_n: true\n", 2, ["force_n: true", "a finite number"]),
    "list for number": ("force_n: [1, 2]\n", 2, ["force_n: [1, 2]", "a finite number"]),
    "fraction for whole": ("force_n: 1\ncount: 2.5\n", 3, ["count: 2.5", "a whole number from 1 up"]),
    "number for text": ("force_n: 1\nname: 12\n", 3, ["name: 12", "a text"]),
    "yes for boolean": ("force_n: 1\nsoft: yes\n", 3, ["soft: yes", "true or false"]),
    "no such choice": ("force_n: 1\nmode: rough\n", 3, ["mode: rough", "one of ideal, harsh"]),
    "short list": ("force_n: 1\nplace_mm: [1, 2]\n", 3, ["place_mm: [1, 2]", "a list of 3 numbers from -100 to 100"]),
    "number for list": ("force_n: 1\nplace_mm: 1\n", 3, ["place_mm: 1", "a list of 3 numbers"]),
    "text in list": ("force_n: 1\nplace_mm: [1, 2, up]\n", 3, ["place_mm[2]: up", "a finite number"]),
    "far in list": ("force_n: 1\nplace_mm:\n- 1\n- 200\n- 3\n", 5, ["place_mm[1]: 200", "-100 to 100"]),
    "number for mapping": ("force_n: 1\nsensor: 3\n", 3, ["sensor: 3", "a mapping with the keys mass_kg, note"]),
    "mapping for number": ("force_n: {a: 1}\n", 2, ["force_n: a mapping", "a finite number"]),
    "list as key": ("force_n: 1\n[1, 2]: 3\n", 3, ["[1, 2]", "a word"]),
    "not YAML": ("force_n: [1, 2\ncount: 2\n", 3, ["is not YAML"]),
    "tab": ("force_n:\n\t- 1\n", 3, ["is not YAML"]),
    "two documents": ("force_n: 1\n---\nforce_n: 2\n", 3, ["is not YAML"]),
    "tag": ("force_n: !!python/object:os.system 1\nname: !!binary aaa\n", 3, ["name: aaa", "a text"]),
}


def message(folder: Path, text: str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", WRONG)
def test_mistake_is_named(case: str, tmp_path: Path) -> None:
    text, line, words = WRONG[case]
    told = message(tmp_path, text)
    assert told.startswith(f"{tmp_path / 'file.yaml'}:{line}: "), told
    assert all(word in told for word in words), told


def test_wrong_schema(tmp_path: Path) -> None:
    told = message(tmp_path, "force_n: 1\n", schema="massage-arm/test/2")
    assert "file.yaml:1: schema: massage-arm/test/2 is not allowed; massage-arm/test/1 is" in told


@pytest.mark.parametrize("text", ["", "# nothing\n", "- 1\n", "word\n"])
def test_file_without_keys(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"file\.yaml:1: the file must hold `key: value` lines"):
        read_yaml(path, SCHEMA, FIELDS)


def test_file_without_schema(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("force_n: 1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"file\.yaml:1: key schema is missing; `schema: massage-arm/test/1`"):
        read_yaml(path, SCHEMA, FIELDS)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: file not found"):
        read_yaml(tmp_path / "none.yaml", SCHEMA, FIELDS)
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path, SCHEMA, FIELDS)
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read_yaml(tmp_path / "bytes.yaml", SCHEMA, FIELDS)
    (tmp_path / "control.yaml").write_bytes(b"name: \x07")
    with pytest.raises(InputError, match="is not YAML"):
        read_yaml(tmp_path / "control.yaml", SCHEMA, FIELDS)


def test_missing_nested_key_names_the_mapping(tmp_path: Path) -> None:
    fields: Fields = {"sensor": {"mass_kg": Field(float)}}
    assert "key sensor.mass_kg is missing" in message(tmp_path, "", fields=fields)
    assert "file.yaml:2: key sensor.mass_kg is missing" in message(tmp_path, "sensor: {}\n", fields=fields)
