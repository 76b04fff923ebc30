"""Limits as a user meets them: what binds and why, limits of one's own in a run, and what is refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from massage_arm.control.run_log import read_run
from massage_arm.urdf import TOOLS

Command = Callable[..., tuple[int, str, str]]

HEAD = "schema: massage-arm/own-limits/1\n"
TENDER = HEAD + 'interscapular: {force_n: 20, hold_s: 15, source: "bruises easily"}\n'
SHORT = ("--hold", 1, "--quiet", "--out", "here")


def write_own(text: str = TENDER) -> None:
    Path("own.yaml").write_text(text)


def refused(answer: tuple[int, str, str], *said: str) -> None:
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    for words in said:
        assert words in err
    assert {path.name for path in Path().iterdir()} <= {"own.yaml", "plan.yaml"}, "nothing is written"


def test_the_binding_limit_comes_first_with_why(command: Command) -> None:
    code, out, err = command("limits", "lumbar_erector_right")
    assert (code, err) == (0, "")
    first, second = out.splitlines()[:2]
    assert first == "lumbar_erector_right with thumb: at most 60.0 N, by soft cap (sites.yaml, docs/safety.md A.9)"
    assert second == "outer wall: 210 N, 2100 kPa (ISO/TS 15066:2016 A.2 row 7, Fifth lumbar vertebra)"
    for words in ("mean pressure cap", "62.8 N", "hard stop", "80.0 N", "hold", "90 s", "force jump", "reach"):
        assert words in out


def test_an_arm_brings_the_limits_of_its_joints_and_the_body_its_areas_to_keep_out_of(command: Command) -> None:
    code, out, _ = command("limits", "levator_left", "--arm", "panda")
    assert code == 0
    assert "87 Nm" in out and "300 Nm/s" in out and "spinous processes" in out
    shown = json.loads(command("limits", "levator_left", "--arm", "panda", "--json")[1])
    joints = {limit["name"]: (limit["value"], limit["unit"]) for limit in shown["joints"]}
    assert len(joints) == 21 and joints["torque of panda_joint7"] == (12.0, "Nm")
    assert "kidney" in shown["keep_out"]["areas"]
    assert json.loads(command("limits", "levator_left", "--json")[1])["joints"] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_as_json_every_limit_comes_with_unit_and_source(command: Command, tool: str) -> None:
    code, out, _ = command("limits", "levator_left", "--tool", tool, "--json")
    shown = json.loads(out)
    assert code == 0
    assert (shown["site"], shown["tool"], shown["area"]) == ("levator_left", tool, "shoulder_joint")
    forces = [limit["value"] for limit in shown["force"]]
    assert forces == sorted(forces) and shown["binding"] == shown["force"][0]
    for limit in (*shown["force"], *shown["hold"], *shown["others"]):
        assert limit["unit"] and limit["source"] and limit["value"] > 0.0


def test_a_larger_tool_lets_the_pressure_cap_go(command: Command) -> None:
    values = {}
    for tool in ("thumb", "palm"):
        forces = json.loads(command("limits", "levator_left", "--tool", tool, "--json")[1])["force"]
        values[tool] = next(one["value"] for one in forces if one["name"].startswith("mean pressure cap"))
    assert values["thumb"] == pytest.approx(47.12, abs=0.01)
    assert values["palm"] > 2.0 * values["thumb"]


def test_limits_of_ones_own_bind_with_their_source(command: Command) -> None:
    write_own()
    code, out, _ = command("limits", "interscapular_left", "--limits", "own.yaml")
    assert code == 0
    assert out.startswith("interscapular_left with thumb: at most 20.0 N, by own limit, interscapular (bruises easily)")
    shown = json.loads(command("limits", "interscapular_left", "--limits", "own.yaml", "--json")[1])
    assert shown["hold"][0]["value"] == 15.0 and shown["hold"][0]["source"] == "bruises easily"
    assert "at most 60.0 N" in command("limits", "lumbar_erector_left", "--limits", "own.yaml")[1]


def test_a_source_is_shown_as_it_was_written(command: Command) -> None:
    write_own(HEAD + "interscapular: {force_n: 20, source: '[red]see[/x] [1]'}\n")
    code, out, _ = command("limits", "interscapular_left", "--limits", "own.yaml")
    assert code == 0 and out.count("[red]see[/x] [1]") == 2


def test_the_force_that_is_shown_is_the_one_that_may_be_asked_for(command: Command, simulate: object) -> None:
    write_own(HEAD + "interscapular: {pressure_kpa: 40, source: tender}\n")  # 12.566 N
    assert "at most 12.5 N" in command("limits", "interscapular_right", "--limits", "own.yaml")[1]
    asked = ("run", "--limits", "own.yaml")
    refused(command(*asked, *SHORT, "--force", 12.6), "at most 12.5 N is (own limit, interscapular 40 kPa", "tender")
    assert command(*asked, *SHORT, "--force", 12.5)[0] == 0


WRONG = {
    "raised": ("levator: {force_n: 46, source: me}", "own.yaml:2: levator.force_n: 46 is not allowed", "0 to 45"),
    "no source": ("levator: {force_n: 9}", "own.yaml:2: key levator.source is missing", "a text is expected"),
    "unit": ("levator: {force_kg: 2, source: me}", "own.yaml:2: levator.force_kg: this key", "did you mean force_n"),
    "place": ("knee: {force_n: 9, source: me}", "own.yaml:2: knee: this key is not allowed", "allowed are everywhere"),
}


@pytest.mark.parametrize("command_line", [("limits", "gluteal_left"), ("limits", "gluteal_left", "--json"), ("run",)])
@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_may_not_be_is_one_line_and_leaves_nothing(
    command: Command, simulate: object, command_line: tuple[str, ...], name: str
) -> None:
    text, *said = WRONG[name]
    write_own(HEAD + text + "\n")
    refused(command(*command_line, "--limits", "own.yaml"), *said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("limits", "knee"), "site: 'knee' is not known; known are"),
        (("limits", "levator_lef"), "did you mean levator_left?"),
        (("limits", "levator_left", "--arm", "crane"), "arm: 'crane' is not known; one of iiwa14, panda"),
        (("limits", "levator_left", "--tool", "hammer"), "tool: hammer is not known; ball, palm, thumb or"),
        (("limits", "levator_left", "--limits", "nothing.yaml"), "nothing.yaml: file not found"),
        (("limits", "levator_left", "--limits", "."), ".: cannot be read (Is a directory)"),
        (("run", "--limits", "nothing.yaml"), "nothing.yaml: file not found"),
        (("run", "--limits", ""), ".: cannot be read"),
    ],
)
def test_slips_are_named(command: Command, simulate: object, arguments: tuple[str, ...], said: str) -> None:
    refused(command(*arguments), said)


def test_a_press_beyond_an_own_limit_is_refused_before_it_starts(command: Command, simulate: object) -> None:
    write_own()
    limits = ("run", "--limits", "own.yaml", "--out", "here")
    refused(command(*limits, "--hold", 1), "force_n: 40 N is not allowed", "20 N is (own limit, interscapular; bruises")
    refused(command(*limits, "--force", 20, "--hold", 16), "hold_s: 16 s", "15 s is (own limit, interscapular; bruises")


def test_a_plan_file_may_name_the_limits_too(command: Command, simulate: object) -> None:
    write_own()
    Path("plan.yaml").write_text("schema: massage-arm/press/1\nlimits: own.yaml\nforce_n: 30\n")
    refused(command("run", "plan.yaml", "--out", "here"), "own limit, interscapular; bruises easily")


def test_a_run_keeps_its_limits_and_replays_from_them(command: Command) -> None:
    write_own()
    code, out, _ = command("run", "--limits", "own.yaml", "--force", 20, *SHORT, "--json")
    assert code == 0 and json.loads(out)["plan"]["limits"] == "own.yaml"
    assert Path("here/inputs/limits.yaml").read_text() == TENDER
    assert "limits.yaml" in json.loads(Path("here/inputs/hashes.json").read_text())
    assert yaml.safe_load(Path("here/inputs/plan.yaml").read_text())["limits"] == "own.yaml"
    assert "Own limits</dt><dd>own.yaml" in Path("here/report.html").read_text()
    assert read_run(Path("here")).ticks["force_true"].max() < 21.0
    os.remove("own.yaml")
    code, out, _ = command("replay", "here", "--quiet")
    assert code == 0 and out.startswith("same: ") and "changed since" not in out
