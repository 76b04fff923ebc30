"""`massage-arm check`: every problem of every file, each with its place."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from massage_arm.app.check import CHECKS
from massage_arm.urdf import TOOLS, tool_file

Command = Callable[..., tuple[int, str, str]]

MARKS = """schema: massage-arm/landmarks/1
landmarks_mm:
  c7: [658, 0]
  sacrum: [200, 0]
  acromion_left: [585, 185]
  acromion_right: [585, -185]
  iliac_spine_left: [200, 42]
  iliac_spine_right: [200, -42]
  iliac_crest_left: [255, 100]
  iliac_crest_right: [255, -100]
  scapula_tip_left: [485, 80]
  scapula_tip_right: [485, -80]
"""
SOUND = {
    "press.yaml": "schema: massage-arm/press/1\nforce_n: 30\nfaults: sensor_cut@6.5\nperson: 1/17\narm: panda\n",
    "tool.yaml": tool_file("palm").read_text(),
    "own.yaml": "schema: massage-arm/own-limits/1\neverywhere: {force_n: 20, source: bruises}\n",
    "marks.yaml": MARKS,
}


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


def told(command: Command, text: str, name: str = "plan.yaml") -> list[str]:
    """What is said of a file with problems."""
    write(name, text)
    code, out, err = command("check", name)
    assert (code, err) == (2, "")
    return out.splitlines()


def test_sound_files_of_every_schema(command: Command) -> None:
    for name, text in SOUND.items():
        write(name, text)
    code, out, err = command("check", *SOUND)
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{name}: sound" for name in SOUND]
    assert {text.split()[1] for text in SOUND.values() if text.startswith("schema")} <= set(CHECKS)


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_that_come_with_the_package_are_sound(command: Command, tool: str) -> None:
    assert command("check", tool_file(tool))[:2] == (0, f"{tool_file(tool)}: sound\n")


def test_every_problem_of_every_file_with_its_place(command: Command) -> None:
    write("plan.yaml", "schema: massage-arm/press/1\nforce: 25\nhold_s: 100\nsite: 3\n")
    write("own.yaml", SOUND["own.yaml"])
    write("tool.yaml", SOUND["tool.yaml"].replace("mass_kg", "mass_g"))
    code, out, err = command("check", "plan.yaml", "own.yaml", "tool.yaml")
    assert (code, err) == (2, "")
    lines = out.splitlines()
    assert lines[0].startswith(
        "plan.yaml:2:1: force: this key is not allowed; the unit is missing: did you mean force_n?"
    )
    assert lines[1].startswith("plan.yaml:3:9: hold_s: 100 is not allowed; a finite number from 0 to 90")
    assert lines[2].startswith("plan.yaml:4:7: site: 3 is not allowed; a text is")
    assert lines[3] == "own.yaml: sound"
    assert all("the unit must be kg, not g: did you mean mass_kg?" in line for line in lines[4:]) and len(lines) == 6
    assert "sensor.mass_g" in lines[5]


def test_what_one_key_alone_does_not_show(command: Command) -> None:
    """Limits of the body, and whatever else a plan names, each at the key that says so."""
    lines = told(
        command,
        "schema: massage-arm/press/1\nperson: nobody\nsite: levator_left\nforce_n: 50\n"
        "faults: earthquake@3\narm: crane\n",
    )
    assert [line.split(": ")[0] for line in lines] == [
        "plan.yaml:2:9",
        "plan.yaml:4:10",
        "plan.yaml:5:9",
        "plan.yaml:6:6",
    ]
    assert "person: 'nobody' is not known" in lines[0]
    assert "force_n: 50 N is not allowed at levator_left; more than 0 and at most 45 N is (soft cap" in lines[1]
    assert "earthquake" in lines[2] and "crane" in lines[3]


def test_a_default_that_does_not_fit_has_the_place_of_the_file(command: Command) -> None:
    (line,) = told(command, "# neck\nschema: massage-arm/press/1\nsite: posterior_neck_left\n")
    assert line.startswith("plan.yaml:2:1: force_n: 40 N is not allowed at posterior_neck_left")


def test_sizes_that_make_no_tool(command: Command) -> None:
    text = SOUND["tool.yaml"].splitlines()
    at = next(k for k, line in enumerate(text) if line.startswith("contact_radius_mm"))
    text[at] = "contact_radius_mm: 99"
    write("plan.yaml", "schema: massage-arm/press/1\ntool: tool.yaml\n")
    (line,) = told(command, "\n".join(text), "tool.yaml")
    assert line.startswith(f"tool.yaml:{at + 1}:20: contact_radius_mm: 99 is not allowed; at most")
    assert command("check", "plan.yaml")[:2] == (2, line + "\n"), "told of the file that it is in"


def test_a_problem_in_a_file_that_a_plan_names(command: Command) -> None:
    write("own.yaml", "schema: massage-arm/own-limits/1\nlevator:\n  force_n: 46\n  source: me\n")
    lines = told(command, "schema: massage-arm/press/1\nlimits: own.yaml\n")
    assert len(lines) == 1 and lines[0].startswith("own.yaml:3:12: levator.force_n: 46 is not allowed")


NOT_OURS = {
    "slip": (
        "schema: massage-arm/pres/1\n",
        "1:9: schema: massage-arm/pres/1 is not known; did you mean massage-arm/press/1",
    ),
    "version": (
        "a: 1\nschema: massage-arm/tool/2\n",
        "2:9: schema: massage-arm/tool/2 is not known; did you mean massage-arm/tool/1",
    ),
    "nothing like it": ("schema: 7\n", "1:9: schema: 7 is not known; known are massage-arm/press/1, "),
    "no schema": ("force_n: 1\n", "1:1: key schema is missing"),
    "empty": ("", "1:1: the file must hold `key: value` lines"),
    "not YAML": ("a: [1\nb: 2\n", "2:2: is not YAML: "),
    "too deep": ("a: " + 9999 * "[", "1:1: is nested too deep"),
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_what_is_no_file_of_ours(command: Command, case: str) -> None:
    text, said = NOT_OURS[case]
    (line,) = told(command, text)
    assert line.startswith(f"plan.yaml:{said}")


def test_a_file_that_is_not_there(command: Command) -> None:
    write("own.yaml", SOUND["own.yaml"])
    assert command("check", "none.yaml", "own.yaml") == (2, "none.yaml:1:1: file not found\nown.yaml: sound\n", "")


def test_a_file_that_a_plan_names_and_is_not_there(command: Command) -> None:
    write("plan.yaml", "schema: massage-arm/press/1\nlimits: mine.yaml\n")
    code, out, _ = command("check", "plan.yaml", "--json")
    (one,) = json.loads(out)[0]["problems"]
    assert code == 2 and (one["file"], one["key"], one["text"]) == ("plan.yaml", "", "mine.yaml: file not found")


def test_as_json(command: Command) -> None:
    write("own.yaml", SOUND["own.yaml"])
    write("plan.yaml", "schema: massage-arm/press/1\nhold_s: 100\nlimits: 3\n")
    code, out, err = command("check", "--json", "own.yaml", "plan.yaml")
    assert (code, err) == (2, "")
    sound, wrong = json.loads(out)
    assert sound == {"file": "own.yaml", "sound": True, "problems": []}
    assert (wrong["file"], wrong["sound"]) == ("plan.yaml", False)
    first, second = wrong["problems"]
    assert first["text"].startswith("hold_s: 100 is not allowed")
    assert (second["file"], second["line"], second["column"], second["key"]) == ("plan.yaml", 3, 9, "limits")


def test_a_run_says_how_many_more_there_are_and_who_lists_them(command: Command, simulate: object) -> None:
    write("plan.yaml", "schema: massage-arm/press/1\nhold_s: 100\nforce: 3\n")
    code, out, err = command("run", "plan.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("error: plan.yaml:2: hold_s: 100 is not allowed")
    assert err.endswith("(and 1 more problem; massage-arm check plan.yaml lists all)\n")
