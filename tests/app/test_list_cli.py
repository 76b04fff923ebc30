"""What the package brings along, as a user looks at it; and the schemas that an editor checks files with."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from massage_arm.app.schema import KINDS, json_schema

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
SHIPPED = {
    "profile": sorted((ROOT / "control/profiles").glob("*.yaml")),
    "session": sorted((ROOT / "control/sessions").glob("*.yaml")),
    "tool": sorted((ROOT / "urdf/tools").glob("*.yaml")),
}


def validate(kind: str, text: str) -> None:
    jsonschema.Draft202012Validator(json_schema(kind)).validate(yaml.safe_load(text))


def test_all_are_listed_with_force_and_time(command: Command) -> None:
    code, out, err = command("list")
    assert (code, err) == (0, "")
    for name in ("effleurage_light", "static_hold", "ischaemic_compression_30", "back_relaxing"):
        assert name in out
    shown = json.loads(command("list", "--json")[1])
    assert len(shown["strokes"]) == 12 and len(shown["profiles"]) >= 12 and len(shown["sessions"]) >= 6
    rolling = next(row for row in shown["strokes"] if row["name"] == "rolling")
    assert rolling["force_n"] == pytest.approx([6.0, 54.0])
    kpa = next(row for row in shown["profiles"] if row["name"] == "ischaemic_compression_90")
    assert (kpa["target"], kpa["unit"], kpa["seconds"]) == ([100.0, 100.0], "kPa", 90.0)
    relaxing = next(row for row in shown["sessions"] if row["name"] == "back_relaxing")
    assert relaxing["minutes"] > 5.0 and relaxing["tool"] in ("ball", "palm")


def test_one_in_full_has_the_source_of_every_number(command: Command) -> None:
    code, out, _ = command("list", "stripping")
    assert code == 0 and "speed_mm_s 12" in out and "4.3 proposal, 5 to 20 mm/s" in out
    profile = json.loads(command("list", "sustained_follow", "--json")[1])
    assert [part["kind"] for part in profile["segments"]] == ["ramp", "follow"]
    assert all(part["source"] for part in profile["segments"])
    session = json.loads(command("list", "back_relaxing", "--json")[1])
    first = session["steps"][0]
    assert (first["speed_mm_s"], "length_mm" in first) == (35.0, False), "what differs from the stroke, and only that"
    assert session["source"] and all(part.get("most_n", 1.0) > 0.0 for part in session["steps"])


def test_a_name_that_is_none_is_refused_with_the_nearest(command: Command) -> None:
    code, out, err = command("list", "back_relaxin")
    assert (code, out) == (2, "") and "did you mean back_relaxing?" in err


def test_a_schema_is_printed_or_refused(command: Command) -> None:
    code, out, _ = command("schema", "session")
    assert code == 0 and json.loads(out) == json.loads(json.dumps(json_schema("session")))
    code, out, err = command("schema", "stool")
    assert (code, out) == (2, "") and "press, profile, session, tool" in err


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize(("kind", "file"), [(kind, file) for kind in SHIPPED for file in SHIPPED[kind]])
def test_every_file_that_comes_along_is_valid(kind: str, file: Path) -> None:
    validate(kind, file.read_text(encoding="utf-8"))


def test_a_press_is_valid_with_or_without_its_optional_keys() -> None:
    validate("press", "schema: massage-arm/press/1\n")
    validate("press", "schema: massage-arm/press/1\nsite: gluteal_left\nforce_n: 20\nstartle_s:\n")


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("session", "seconds: ", "second: ", "second"),
        ("session", "tool: ball", "tool: 3", "3"),
        ("session", "stroke: effleurage_light", "stroke: effleurage", "effleurage"),
        ("session", "massage-arm/session/1", "massage-arm/session/2", "session/2"),
        ("profile", "kind: hold", "kind: hole", "hole"),
        ("profile", "seconds: 5", "seconds: five", "five"),
        ("profile", "    source: ", "    sauce: ", "sauce"),
        ("tool", "tip_radius_mm: 12", "tip_radius_mm: 2", "2"),
        ("tool", "com_mm: [0, 0, 64]", "com_mm: [0, 64]", "64"),
    ],
)
def test_a_wrong_file_is_not(kind: str, old: str, new: str, said: str) -> None:
    name = {"session": "back_relaxing", "profile": "sustained_hold", "tool": "thumb"}[kind]
    text = next(file for file in SHIPPED[kind] if file.stem == name).read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(jsonschema.ValidationError, match=said):
        validate(kind, text.replace(old, new))


def test_check_knows_profiles_and_sessions(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("check", SHIPPED["profile"][0], SHIPPED["session"][0])
    assert code == 0 and out.count(": sound") == 2
    wrong = SHIPPED["session"][0].read_text(encoding="utf-8").replace("effleurage_light", "tapotement", 1)
    wrong = wrong.replace("seconds: ", "seconds: 5", 1)
    (tmp_path / "wrong.yaml").write_text(wrong, encoding="utf-8")
    code, out, _ = command("check", tmp_path / "wrong.yaml")
    assert code == 2 and "at one point is not allowed" in out


def test_the_session_in_the_docs_is_sound(command: Command, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/file-formats.md").read_text(encoding="utf-8"), re.S)
    (tmp_path / "own.yaml").write_text(next(text for text in blocks if "session/1" in text), encoding="utf-8")
    assert command("check", tmp_path / "own.yaml")[:2] == (0, f"{tmp_path / 'own.yaml'}: sound\n")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_in_docs_are_current(kind: str) -> None:
    shipped = (ROOT / "docs/schemas" / f"{kind}.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == json.loads(json.dumps(json_schema(kind))), "run python docs/write_schemas.py"


def test_the_page_of_strokes_is_current() -> None:
    words = "import runpy; made = runpy.run_path('docs/strokes_page.py'); text = made['PAGE'].read_text(); "
    words += "raise SystemExit(0 if made['page'](text) == text else 'run python docs/strokes_page.py')"
    done: Any = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
