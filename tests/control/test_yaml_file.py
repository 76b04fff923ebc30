"""The strict YAML reader: values as written, every mistake named with file, line, key, value and what is allowed."""

import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.yaml_file import (
    Each,
    Field,
    Fields,
    FileProblems,
    Maybe,
    Some,
    Variants,
    locate,
    read_schema,
    read_yaml,
)
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


PLAN: Fields = {
    "segments": Each(
        Variants(
            by="kind",
            fields={
                "ramp": {"to_n": Field(float, 0.0, 60.0), "seconds": Field(float, 0.0)},
                "hold": {"seconds": Field(float, 0.0), "note": Field(str, required=False)},
            },
        )
    ),
    "strokes": Maybe(Each({"name": Field(str), "speed_mm_s": Field(float, 0.0, 200.0)}, least=2)),
    "tags": Maybe(Each(Field(str), least=0)),
    "path_mm": Maybe(Each(Field((float, float), -100.0, 100.0))),
    "sources": Some(("force_n", "seconds"), Field(str)),
}
SOUND = """segments:
- {kind: ramp, to_n: 30, seconds: 2}
- kind: hold
  seconds: 5
  note: slowly
- {kind: hold, seconds: 1}
"""


def test_lists_of_any_length_and_mappings_with_some_keys(tmp_path: Path) -> None:
    assert read(tmp_path, SOUND, PLAN) == {
        "segments": (
            {"kind": "ramp", "to_n": 30.0, "seconds": 2.0},
            {"kind": "hold", "seconds": 5.0, "note": "slowly"},
            {"kind": "hold", "seconds": 1.0, "note": None},
        ),
        "strokes": None,
        "tags": None,
        "path_mm": None,
        "sources": {},
    }
    more = "strokes:\n- {name: a, speed_mm_s: 20}\n- {name: b, speed_mm_s: 30}\n"
    more += "tags: [quiet, long]\npath_mm: [[1, 2], [3, 4], [5, 6]]\nsources: {seconds: a textbook}\n"
    values = read(tmp_path, SOUND + more, PLAN)
    assert values["strokes"] == ({"name": "a", "speed_mm_s": 20.0}, {"name": "b", "speed_mm_s": 30.0})
    assert values["tags"] == ("quiet", "long")
    assert values["path_mm"] == ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))
    assert values["sources"] == {"seconds": "a textbook"}
    assert read(tmp_path, SOUND + "tags: []\n", PLAN)["tags"] == ()


WRONG_LISTS = {
    "missing list": ("tags: [a]\n", 1, ["key segments is missing; a list of 1 or more mappings with the key kind"]),
    "empty list": ("segments: []\n", 2, ["segments: [] is not", "a list of 1 or more", "kind (one of ramp, hold)"]),
    "mapping for list": ("segments: {kind: hold}\n", 2, ["segments: a mapping is not allowed; a list of 1 or more"]),
    "value in an item": (
        "segments:\n- {kind: hold, seconds: 1}\n- kind: hold\n  seconds: -1\n",
        5,
        ["segments[1].seconds: -1"],
    ),
    "key of another kind": (
        SOUND + "- {kind: hold, seconds: 1, to_n: 3}\n",
        8,
        ["segments[3].to_n: this key", "kind, seconds"],
    ),
    "missing in an item": ("segments:\n- {kind: ramp, to_n: 3}\n", 3, ["key segments[0].seconds is missing"]),
    "no kind": ("segments:\n- {to_n: 3}\n", 3, ["key segments[0].kind is missing; one of ramp, hold is expected"]),
    "kind misspelt": ("segments:\n- {knd: ramp, to_n: 3}\n", 3, ["segments[0].knd: this key", "did you mean kind?"]),
    "no such kind": ("segments:\n- {kind: rest, seconds: 3}\n", 3, ["segments[0].kind: rest", "one of ramp, hold is"]),
    "kind is a number": ("segments:\n- {kind: 3}\n", 3, ["segments[0].kind: 3 is not", "one of ramp, hold"]),
    "word for item": ("segments: [hold]\n", 2, ["segments[0]: hold is not allowed; a mapping with the key kind"]),
    "too few": (SOUND + "strokes: [{name: a, speed_mm_s: 1}]\n", 8, ["strokes: [a mapping]", "a list of 2 or more"]),
    "number in texts": (SOUND + "tags: [a, 3]\n", 8, ["tags[1]: 3 is not allowed; a text is"]),
    "word for texts": (SOUND + "tags: quiet\n", 8, ["tags: quiet is not allowed; a list of texts is"]),
    "far in a list of lists": (SOUND + "path_mm: [[1, 2], [3, 400]]\n", 8, ["path_mm[1][1]: 400", "-100 to 100"]),
    "short in a list of lists": (SOUND + "path_mm: [[1]]\n", 8, ["path_mm[0]: [1]", "a list of 2 numbers"]),
    "no such source": (
        SOUND + "sources: {seconds: x, hold: y}\n",
        8,
        ["sources.hold: this key", "allowed are force_n, seconds"],
    ),
    "source not a text": (SOUND + "sources: {seconds: 3}\n", 8, ["sources.seconds: 3", "a text"]),
    "text for sources": (SOUND + "sources: x\n", 8, ["sources: x", "a mapping with the keys force_n, seconds"]),
}


@pytest.mark.parametrize("case", WRONG_LISTS)
def test_mistake_in_a_list_is_named(case: str, tmp_path: Path) -> None:
    text, line, words = WRONG_LISTS[case]
    told = message(tmp_path, text, fields=PLAN)
    assert told.startswith(f"{tmp_path / 'file.yaml'}:{line}: "), told
    assert all(word in told for word in words), told
    assert "more problem" not in told, "one mistake is told once"


def problems(folder: Path, text: str, fields: Fields = FIELDS, schema: str = SCHEMA) -> FileProblems:
    with pytest.raises(FileProblems) as caught:
        read(folder, text, fields, schema)
    return caught.value


MANY = """mode: rough
forse: 2
sensor:
  mass_kg: -1
  note: 3
place_mm: [1, up, 300]
mode: harsh
"""


def test_all_problems_are_told_at_once_by_line(tmp_path: Path) -> None:
    error = problems(tmp_path, MANY)
    assert [(one.line, one.column, one.key) for one in error.problems] == [
        (2, 7, "mode"), (3, 1, "forse"), (5, 12, "sensor.mass_kg"), (6, 9, "sensor.note"),
        (7, 15, "place_mm[1]"), (7, 19, "place_mm[2]"), (8, 1, "mode"),
    ]  # fmt: skip
    path = tmp_path / "file.yaml"
    assert str(error) == (
        f"{path}:2: mode: rough is not allowed; one of ideal, harsh is "
        f"(and 6 more problems; massage-arm check {path} lists all)"
    )
    two = str(problems(tmp_path, "force_n: 1\ncount: 0\nsoft: no\n"))
    assert two.endswith(f"(and 1 more problem; massage-arm check {path} lists all)")


def test_problems_in_every_item_of_a_list(tmp_path: Path) -> None:
    text = "segments:\n- {kind: ramp, to_n: 90, seconds: x}\n- {kind: rest}\n- 3\n- {kind: hold}\n"
    keys = [one.key for one in problems(tmp_path, text, PLAN).problems]
    assert keys == [
        "segments[0].to_n", "segments[0].seconds", "segments[1].kind", "segments[2]", "segments[3].seconds"
    ]  # fmt: skip


def test_of_another_schema_no_other_key_is_judged(tmp_path: Path) -> None:
    assert [one.key for one in problems(tmp_path, "forse: 1\n", schema="massage-arm/test/2").problems] == ["schema"]


def test_broken_yaml_has_its_place(tmp_path: Path) -> None:
    (one,) = problems(tmp_path, "force_n: [1, 2\ncount: 2\n").problems
    assert (one.line, one.column) == (3, 6)


def test_problems_cross_to_another_process(tmp_path: Path) -> None:
    error = problems(tmp_path, MANY)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.problems) == (str(error), error.problems)


UNITS: Fields = {name: Field(float) for name in ("force_n", "speed_mm_s", "pressure_kpa", "pressure_pct", "seed")}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("force", "the unit is missing: did you mean force_n? Allowed are force_n,"),
        ("speed", "the unit is missing: did you mean speed_mm_s?"),
        ("pressure", "the unit is missing: did you mean pressure_kpa or pressure_pct?"),
        ("force_kg", "the unit must be n, not kg: did you mean force_n?"),
        ("speed_m_s", "the unit must be mm_s, not m_s: did you mean speed_mm_s?"),
        ("force_N", "this key is not allowed; did you mean force_n?"),
        ("forse_n", "this key is not allowed; did you mean force_n?"),
        ("seeds", "this key is not allowed; did you mean seed?"),
        ("stiffness_n_m", "this key is not allowed; allowed are force_n,"),
    ],
)
def test_a_missing_or_other_unit_is_named(key: str, said: str, tmp_path: Path) -> None:
    rest = {"force_n", "speed_mm_s", "pressure_kpa", "pressure_pct", "seed"}
    told = message(tmp_path, f"{key}: 1\n" + "".join(f"{name}: 1\n" for name in sorted(rest)), fields=UNITS)
    assert f"file.yaml:2: {key}: " in told and said in told


def test_a_key_under_a_wrong_name_is_not_missing_besides(tmp_path: Path) -> None:
    (one,) = problems(tmp_path, "force: 40\n").problems
    assert one.key == "force"


def test_places_of_values(tmp_path: Path) -> None:
    read(tmp_path, SOUND, PLAN)
    path = tmp_path / "file.yaml"
    assert locate(path, "segments[0].to_n") == (3, 22)
    assert locate(path, "segments[1].seconds") == (5, 12)
    assert locate(path, "segments[1].left_out") == (4, 3), "the item, where the key is not there"
    assert locate(path, "segments[9].seconds") == (3, 1), "the list, where the item is not there"
    assert locate(path, "nowhere") == (1, 1)
    path.write_text("a: 1\nempty:\nb: 2\n")
    assert locate(path, "empty") == (2, 1)


def test_the_schema_that_a_file_names(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("schema: anything/1\nforce: [\n  1]\n")
    assert read_schema(path) == "anything/1"
    path.write_text("force: 1\n")
    with pytest.raises(InputError, match=r"file\.yaml:1: key schema is missing"):
        read_schema(path)
