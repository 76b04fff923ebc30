"""Reach as a user meets it: table, JSON, picture, exit codes, and what is refused."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from massage_arm.control.sites import load_sites
from massage_arm.native import ArmModel
from massage_arm.sim import reach as sim_reach
from massage_arm.sim.reach import Reach
from PIL import Image

Command = Callable[..., tuple[int, str, str]]
LINK = """<link name="{0}"><inertial><mass value="1"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/>
</inertial></link>"""
JOINT = """<joint name="joint_{0}" type="revolute"><parent link="{1}"/><child link="{2}"/><origin xyz="0 0 {3}"/>
<axis xyz="{4}"/><limit lower="-2" upper="2" velocity="2" effort="90"/></joint>"""


def write_arm(length: float) -> None:
    """A chain of six joints about z, y, y, z, y, z."""
    names = ["base", *(f"link_{k}" for k in range(5)), "flange"]
    axes = ("0 0 1", "0 1 0", "0 1 0", "0 0 1", "0 1 0", "0 0 1")
    joints = "".join(JOINT.format(k, names[k], names[k + 1], length, axis) for k, axis in enumerate(axes))
    Path("arm.urdf").write_text(f'<robot name="own">{"".join(LINK.format(n) for n in names)}{joints}</robot>')


@pytest.fixture(scope="module")
def panda() -> Reach:
    return sim_reach.reach("panda", "thumb", "average")


@pytest.fixture
def found(panda: Reach, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reach]:
    """What the command finds, without its 5 s of looking."""
    monkeypatch.setattr(sim_reach, "reach", lambda *arguments, **options: panda)
    yield panda


def test_the_arm_that_reaches_everything_says_so(command: Command, found: Reach) -> None:
    code, out, err = command("reach", "--arm", "panda")
    assert (code, err) == (0, "")
    assert all(site in out for site in load_sites())
    assert "one stand for the left" in out and "9 of 9" in out and "not reachable" not in out
    assert "±10 N about 20 N, bound by torque rate of panda_joint2" in out
    assert "above the cap: posterior_neck" in out and "picture reach.png" in out


def test_as_json(command: Command, found: Reach) -> None:
    code, out, _ = command("reach", "--arm", "panda", "--out", "map.png", "--json")
    shown = json.loads(out)
    assert code == 0 and Path("map.png").is_file()
    assert (shown["arm"], shown["tool"], shown["person"], shown["picture"]) == ("panda", "thumb", "average", "map.png")
    assert shown["sites"].keys() == load_sites().keys()
    site = shown["sites"]["lumbar_erector_left"]
    assert site["reachable"] and site["angle_deg"] == 0.0 and len(site["stand_m"]) == 3
    assert 11.0 < site["margin_deg"] < 180.0 and site["force_n"] == 60.0
    assert 0.1 < site["torque_share"] < 1.0 and site["torque_joint"].startswith("panda_joint")
    assert 0.0 < site["smallest_singular_value"] < 1.0
    assert 2.0 < site["swing"]["rate_hz"] < 15.0 and site["swing"]["reason"]
    assert shown["sites"]["posterior_neck_left"]["swing"] is None
    assert shown["together"].keys() == {"left", "right", "both"}
    assert len(shown["together"]["right"]["reached"]) == 9 and shown["together"]["right"]["missed"] == []
    places, margins = np.array(shown["map"]["points_m"]), shown["map"]["margin_deg"]
    assert len(places) == len(margins) > 400 and shown["map"]["spacing_m"] == 0.02
    known = [m for m in margins if m is not None]
    assert len(known) > 200 and min(known) > 11.0, "0.2 rad are kept from every limit"


def test_the_map_shows_what_is_not_reached_in_grey(command: Command, found: Reach) -> None:
    command("reach")
    picture = np.asarray(Image.open("reach.png").convert("RGB"), float)
    assert picture.shape[1] > 1000
    field = found.body.height_field
    left, top = field.x0 + 2 * field.spacing, field.y0 + (field.coefficients.shape[1] - 4) * field.spacing
    colourful = []
    for (x, y), margin in zip(found.grid, found.margins_deg, strict=True):
        row, column = round((top - y + 0.008) * 1400), round((x - left + 0.005) * 1400)
        if 60 < row < picture.shape[0] - 70 and 0 < column < picture.shape[1]:
            colourful.append((np.isfinite(margin), np.ptp(picture[row, column])))
    reached, spread = np.array(colourful).T
    assert np.median(spread[reached == 1]) > 60.0 > np.median(spread[reached == 0])


def test_a_site_out_of_reach_is_said_and_is_an_exit_code(command: Command) -> None:
    write_arm(0.03)
    code, out, _ = command("reach", "--arm", "arm.urdf", "--tip", "flange", "--json")
    shown = json.loads(out)
    assert code == 1 and not any(site["reachable"] for site in shown["sites"].values())
    site = shown["sites"]["gluteal_left"]
    assert site["angle_deg"] is None and site["stand_m"] is None and site["swing"] is None
    assert len(shown["together"]["both"]["missed"]) == 18 and set(shown["map"]["margin_deg"]) == {None}
    assert Path("reach.png").is_file()


def test_a_normal_that_cannot_be_had_is_told_with_its_angle(
    command: Command, panda: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    tilted = replace(panda.sites[0], reachable=False, angle_deg=12.4)
    lacking = replace(panda, sites=[tilted, *panda.sites[1:]])
    monkeypatch.setattr(sim_reach, "reach", lambda *arguments, **options: lacking)
    code, out, _ = command("reach")
    assert code == 1 and f"not reachable: {tilted.site} (at best 12° off the normal)" in out


def test_the_torques_are_those_of_the_force_and_the_weight_that_is_ours() -> None:
    from massage_arm.control.body import load_body
    from massage_arm.control.tool import load_tool
    from massage_arm.urdf import TCP, arm_description, arm_with_tool

    body, tool, arm = load_body("average"), load_tool("thumb"), arm_description("panda")
    model = ArmModel.from_urdf(arm_with_tool(arm, tool.file), TCP, base=arm.base)
    site = body.sites["gluteal_left"]

    def share(gravity: str, force: float) -> float:
        carrying = replace(arm, gravity=gravity)
        return sim_reach._reach_site(model, carrying, tool, site, 60.0, force).torque_share

    light, twice = share("robot", 20.0), share("robot", 40.0)
    assert twice == pytest.approx(2.0 * light)
    with_tool, all_of_it = share("robot_without_tool", 20.0), share("us", 20.0)
    assert light != with_tool != all_of_it and all_of_it > light  # the tool's weight may well help to press


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arm", "pandaa"], ["pandaa", "panda"]),
        (["--arm", "gone.urdf", "--tip", "flange"], ["gone.urdf"]),
        (["--tool", "thum"], ["did you mean thumb"]),
        (["--person", "averag"], ["did you mean average"]),
        (["--force", "-3"], ["force_n: -3 N"]),
        (["--force", "nan"], ["force_n: nan N"]),
        (["--force", "300"], ["at most 62.8 N"]),
        (["--out", "reach.jpg"], ["out: reach.jpg", ".png"]),
        (["--out", "no/reach.png"], ["no is not a folder"]),
    ],
)
def test_slips_are_named(command: Command, arguments: list[str], said: list[str]) -> None:
    code, out, err = command("reach", *arguments)
    assert (code, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1
    for words in said:
        assert words in err
    assert not list(Path().iterdir()), "nothing is written"
