"""Tools: the shipped files, the contact area, and what is said about files that are no tool."""

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.tool import Tool, load_tool
from massage_arm.native.errors import InputError
from massage_arm.urdf import TCP, TOOLS, arm_description, arm_with_tool, tool_file


def changed(folder: Path, old: str, new: str) -> Path:
    """A copy of the thumb's file with one text replaced."""
    text = tool_file("thumb").read_text(encoding="utf-8")
    assert old in text
    path = folder / "mine.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def line_of(path: Path, start: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.strip().startswith(start))


def test_thumb_in_si() -> None:
    tool = load_tool("thumb")
    assert (tool.name, tool.mass, tool.sensor_mass) == ("thumb", 0.19, 0.22)
    assert tool.com.tolist() == pytest.approx([0.0, 0.0, 0.064])
    assert (tool.length, tool.tip_radius, tool.contact_radius) == pytest.approx((0.120, 0.012, 0.010))
    assert tool.tcp_offset[:3, 3].tolist() == [0.0, 0.0, tool.length]
    assert tool.file == tool_file("thumb")


@pytest.mark.parametrize("name", TOOLS)
def test_tool_agrees_with_its_urdf(name: str) -> None:
    """Mass, centre of mass and TCP, read from the URDF that the same file made."""
    tool = load_tool(name)
    text = arm_with_tool(arm_description("iiwa14"), tool_file(name))
    model = pin.buildModelFromXML(text)
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    mount, tcp, link = (data.oMf[model.getFrameId(frame)] for frame in ("tool_mount", TCP, "tool"))
    assert mount.actInv(tcp).translation.tolist() == pytest.approx([0.0, 0.0, tool.length], abs=1e-12)
    masses, coms = {}, {}
    for element in ElementTree.fromstring(text).findall("link"):
        masses[element.get("name")] = float(element.find("inertial/mass").get("value", ""))  # type: ignore[union-attr]
        origin = element.find("inertial/origin")
        coms[element.get("name")] = [float(x) for x in (origin.get("xyz", "") if origin is not None else "").split()]
    assert (masses["tool"], masses["force_sensor"]) == (tool.mass, tool.sensor_mass)
    in_mount = mount.actInv(link).act(np.array(coms["tool"]))
    assert in_mount.tolist() == pytest.approx(tool.com.tolist(), abs=1e-12)


@pytest.mark.parametrize("name", TOOLS)
def test_contact_area(name: str) -> None:
    tool = load_tool(name)
    assert tool.contact_area(0.0) == tool.contact_area(-0.01) == 0.0
    assert tool.contact_area(0.001) == pytest.approx(math.pi * tool.tip_radius * 0.001)
    assert tool.contact_area(0.1) == pytest.approx(math.pi * tool.contact_radius**2)


@given(st.floats(0.0, 0.1), st.floats(0.0, 0.1))
def test_contact_area_only_grows(a: float, b: float) -> None:
    tool = load_tool("thumb")
    low, high = sorted((tool.contact_area(a), tool.contact_area(b)))
    assert (low, high) == (tool.contact_area(min(a, b)), tool.contact_area(max(a, b)))


def test_tool_of_ones_own(tmp_path: Path) -> None:
    tool: Tool = load_tool(changed(tmp_path, "name: thumb", "name: elbow"))
    assert (tool.name, tool.file) == ("elbow", tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("key", "old", "new", "words"),
    [
        ("mass_kg", "mass_kg: 0.19", "mass_kg: 19", ["mass_kg: 19", "0.01 to 5"]),
        ("mass_kg", "mass_kg: 0.19", "mass_kg: .nan", ["mass_kg: .nan", "finite"]),
        ("com_mm", "[0, 0, 64]", "[0, 64]", ["com_mm: [0, 64]", "a list of 3 numbers"]),
        ("length_mm", "length_mm: 120", "length_mm: long", ["length_mm: long", "a finite number"]),
        ("tip_radius_mm", "tip_radius_mm: 12", "tip_radius_mm: 9", ["tip_radius_mm: 9", "from 10"]),
        ("pad_radius_mm", "pad_radius_mm: 12", "pad_radius_mm: 9", ["pad_radius_mm: 9", "from 10"]),
        ("edge_radius_mm", "edge_radius_mm: 12", "edge_radius_mm: 4", ["edge_radius_mm: 4", "from 5"]),
        ("colour", "name: thumb", "name: thumb\ncolour: red", ["colour", "not allowed"]),
        ("length_mm: 0", "  length_mm: 38", "  length_mm: 0", ["sensor.length_mm: 0", "1 to 100"]),
        ("schema", "tool/1", "tool/2", ["schema", "massage-arm/tool/2", "massage-arm/tool/1"]),
    ],
)
def test_wrong_value_is_named(key: str, old: str, new: str, words: list[str], tmp_path: Path) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(InputError) as caught:
        load_tool(path)
    assert str(caught.value).startswith(f"{path}:{line_of(path, key)}: ")
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("contact_radius_mm: 10", "contact_radius_mm: 13", ["contact_radius_mm: 13", "12 (pad_radius_mm)"]),
        ("pad_radius_mm: 12", "pad_radius_mm: 13", ["pad_radius_mm: 13", "12 (tip_radius_mm)"]),
        ("length_mm: 120", "length_mm: 60", ["length_mm: 60", "more than 60.0 (sensor, adapter and pad)"]),
        ("mass_kg: 0.19 ", "# ", ["key mass_kg is missing"]),
    ],
)
def test_sizes_that_make_no_tool_are_named(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_tool(changed(tmp_path, old, new))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_unknown_tool(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"tool: thum is not known; ball, palm, thumb or the path .* did you mean thumb\?"
    ):
        load_tool("thum")
    with pytest.raises(InputError, match=r"none\.yaml: file not found"):
        load_tool(tmp_path / "none.yaml")
