"""Reading a chain from a URDF, with Pinocchio as the second opinion, and what is said about files that are no chain."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.native.chain import Chain, Floats
from massage_arm.native.errors import InputError
from massage_arm.native.urdf import read_chain, turn_z_to
from massage_arm.urdf import ARMS, arm_description, arm_urdf_path, arm_with_tool, tool_file

INERTIAL = """<inertial><origin xyz="0.02 -0.01 0.1" rpy="0.3 0.2 -0.1"/><mass value="{mass}"/>
  <inertia ixx="0.02" iyy="0.03" izz="0.015" ixy="0.001" ixz="-0.002" iyz="0.0005"/></inertial>"""
LIMIT = '<limit lower="-2" upper="2.5" velocity="1.5" effort="40"/>'


def link(name: str, mass: float | None = 1.0) -> str:
    return f'<link name="{name}">{"" if mass is None else INERTIAL.format(mass=mass)}</link>'


def joint(
    name: str,
    parent: str,
    child: str,
    kind: str = "revolute",
    axis: str = "0 0 1",
    xyz: str = "0.1 0.2 0.3",
    rpy: str = "0.4 -0.5 0.6",
    more: str = LIMIT,
) -> str:
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/>{more}</joint>'
    )


def robot(*parts: str) -> str:
    return '<robot name="r">' + "\n".join(parts) + "</robot>"


TWO = (link("base", None), link("a"), link("b"), joint("j1", "base", "a"), joint("j2", "a", "b", axis="0 1 0"))


def frames(chain: Chain, q: Floats) -> Iterator[Floats]:
    """(4, 4) of every joint frame in the base."""
    placement = np.eye(4)
    for i in range(chain.n):
        move = np.eye(4)
        if chain.revolute[i]:
            cos, sin = np.cos(q[i]), np.sin(q[i])
            move[:2, :2] = [[cos, -sin], [sin, cos]]
        else:
            move[2, 3] = q[i]
        placement = placement @ chain.placement[i] @ move
        yield placement


def agrees_with_pinocchio(chain: Chain, xml: str, lock: dict[str, float] | None = None) -> None:
    """Pose of the tip, total mass and centre of mass of what moves, mass matrix (which holds every inertia)."""
    model = pin.buildModelFromXML(xml)
    rest = pin.neutral(model)
    fixed = []
    for name, position in (lock or {}).items():
        moved = model.joints[model.getJointId(name)]
        rest[moved.idx_q : moved.idx_q + moved.nq] = (
            [position] if moved.nq == 1 else [np.cos(position), np.sin(position)]
        )
        fixed.append(model.getJointId(name))
    model = pin.buildReducedModel(model, fixed, rest)
    data = model.createData()
    joints = [model.joints[model.getJointId(name)] for name in chain.joint_names]
    rng = np.random.default_rng(1)
    for _ in range(5):
        q = rng.uniform(-2.5, 2.5, chain.n)
        configuration = np.zeros(model.nq)
        for joint, position in zip(joints, q, strict=True):
            both = [position] if joint.nq == 1 else [np.cos(position), np.sin(position)]
            configuration[joint.idx_q : joint.idx_q + joint.nq] = both
        pin.crba(model, data, configuration)
        pin.centerOfMass(model, data, configuration)
        pin.updateFramePlacements(model, data)
        base = data.oMf[model.getFrameId(chain.base)].homogeneous
        placed = [base @ frame for frame in frames(chain, q)]
        tip = placed[-1] @ chain.tip_placement
        np.testing.assert_allclose(tip, data.oMf[model.getFrameId(chain.tip)].homogeneous, atol=1e-12)
        com = sum(m * (frame @ [*c, 1.0])[:3] for m, c, frame in zip(chain.mass, chain.com, placed, strict=True))
        assert np.isclose(chain.mass.sum(), data.mass[1], rtol=1e-12)
        np.testing.assert_allclose(com / chain.mass.sum(), data.oMi[1].act(data.com[1]), atol=1e-12)
        order = [joint.idx_v for joint in joints]
        full = np.triu(data.M) + np.triu(data.M, 1).T
        np.testing.assert_allclose(mass_matrix(chain, placed), full[np.ix_(order, order)], atol=1e-11)


def mass_matrix(chain: Chain, placed: list[Floats]) -> Floats:
    """(n, n) sum of Jᵀ M J over the links."""
    matrix = np.zeros((chain.n, chain.n))
    for i in range(chain.n):
        turn, com = placed[i][:3, :3], (placed[i] @ [*chain.com[i], 1.0])[:3]
        linear, angular = np.zeros((3, chain.n)), np.zeros((3, chain.n))
        for j in range(i + 1):
            axis = placed[j][:3, 2]
            linear[:, j] = np.cross(axis, com - placed[j][:3, 3]) if chain.revolute[j] else axis
            angular[:, j] = axis if chain.revolute[j] else 0.0
        inertia = turn @ chain.inertia[i] @ turn.T
        matrix += chain.mass[i] * linear.T @ linear + angular.T @ inertia @ angular
    return matrix


# ------------------------------------------------------------------------------------------------------ right chains


@pytest.mark.parametrize("name", ARMS)
def test_arm_with_tool_agrees_with_pinocchio(name: str) -> None:
    arm = arm_description(name)
    xml = arm_with_tool(arm, tool_file("palm"))
    chain = read_chain(xml, "tcp", base=arm.base)
    assert chain.joint_names == arm.joint_names
    agrees_with_pinocchio(chain, xml)


def test_locked_fingers_agree_with_pinocchio() -> None:
    path = arm_urdf_path("panda")
    lock = {"panda_finger_joint1": 0.03, "panda_finger_joint2": 0.01}
    chain = read_chain(path, "panda_hand_tcp", lock=lock)
    assert chain.n == 7
    agrees_with_pinocchio(chain, path.read_text(encoding="utf-8"), lock)


def test_every_kind_of_joint_axis_and_side_branch() -> None:
    xml = robot(
        *(link(name) for name in "abcdefgh"),
        link("frame", None),
        joint("tilt", "a", "b", "fixed", rpy="0.7 0 0.2", more=""),
        joint("j1", "b", "c", axis="1 2 -3"),
        joint("j2", "c", "d", "prismatic", axis="0 0 -1"),
        joint("stay", "d", "e", "fixed", more=""),
        joint("j3", "e", "f", "continuous", axis="-1 0 0", more=""),
        joint("side", "d", "g", axis="1 1 0"),
        joint("on side", "g", "h", "prismatic", axis="0 1 0"),
        joint("end", "f", "frame", "fixed", more=""),
    )
    lock = {"side": 0.8, "on side": -0.2}
    chain = read_chain(xml, "frame", lock=lock)
    assert chain.joint_names == ("j1", "j2", "j3")
    assert chain.revolute.tolist() == [True, False, True]
    assert chain.lower.tolist() == [-2.0, -2.0, -np.inf]
    assert chain.upper.tolist() == [2.5, 2.5, np.inf]
    assert chain.velocity_limit.tolist() == [1.5, 1.5, np.inf]
    assert chain.effort_limit.tolist() == [40.0, 40.0, np.inf]
    agrees_with_pinocchio(chain, xml, lock)


def test_locked_joint_of_the_chain() -> None:
    xml = robot(*TWO, link("c"), joint("j3", "b", "c", axis="1 1 1"))
    chain = read_chain(xml, "c", lock={"j2": 1.2})
    assert chain.joint_names == ("j1", "j3")
    agrees_with_pinocchio(chain, xml, {"j2": 1.2})


def test_tilted_base_as_joint_equals_turned_gravity() -> None:
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # a quarter turn about x: a wall
    xml = robot(
        link("wall", None), *TWO, joint("mount", "wall", "base", "fixed", xyz="0 0 0", rpy="1.5707963267948966 0 0")
    )
    from_wall = read_chain(xml, "b")
    from_base = read_chain(xml, "b", base="base", gravity=tilt.T @ [0.0, 0.0, -9.81])
    assert (from_wall.base, from_base.base) == ("wall", "base")
    np.testing.assert_allclose(from_wall.placement[0][:3], tilt @ from_base.placement[0][:3], atol=1e-15)
    np.testing.assert_allclose(from_wall.gravity, tilt @ from_base.gravity, atol=1e-15)
    agrees_with_pinocchio(from_wall, xml)


def test_branch_off_the_base_is_left_out() -> None:
    xml = robot(*TWO, link("other"), joint("other arm", "base", "other"))
    assert read_chain(xml, "b").joint_names == ("j1", "j2")


def test_file_text_and_xacro_read_alike(tmp_path: Path) -> None:
    plain, macro = tmp_path / "arm.urdf", tmp_path / "arm.urdf.xacro"
    plain.write_text(robot(*TWO), encoding="utf-8")
    text = robot('<xacro:property name="m" value="${0.5*2}"/>', *TWO).replace('mass value="1.0"', 'mass value="${m}"')
    text = text.replace("<robot", '<robot xmlns:xacro="http://www.ros.org/wiki/xacro"')
    macro.write_text(text, encoding="utf-8")
    chains = [read_chain(source, "b") for source in (plain, str(plain), robot(*TWO), macro, text)]
    for chain in chains[1:]:
        assert chain.mass.tobytes() == chains[0].mass.tobytes()
        assert chain.placement.tobytes() == chains[0].placement.tobytes()


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3))
def test_turn_z_to_is_a_rotation(direction: tuple[float, float, float]) -> None:
    axis = np.array(direction) / np.linalg.norm(direction)
    turn = turn_z_to(axis)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=4e-15)
    np.testing.assert_allclose(turn[:, 2], axis, atol=1e-15)
    assert np.linalg.det(turn) > 0.0


# ----------------------------------------------------------------------------------------------------- wrong chains

MANY = [f"l{i}" for i in range(12)]
WRONG = {
    "no robot": ("<model/>", "b", ["<model>", "<robot>"]),
    "unknown tip": (robot(*TWO), "c", ["tip", "link c not found", "base, a, b"]),
    "unknown tip of many": (
        robot(*TWO, *(link(f"finger_{i}") for i in range(12))),
        "finger_99",
        ["finger_99 not found", "close to it are", "finger_9"],
    ),
    "no joint": (robot(*TWO), "base", ["no joint between", "base"]),
    "only fixed joints": (robot(*TWO, link("c"), joint("f", "base", "c", "fixed")), "c", ["0 joints", "1 to 10"]),
    "too many joints": (
        robot(*map(link, MANY), *(joint(f"j{i}", f"l{i}", f"l{i + 1}") for i in range(11))),
        "l11",
        ["11 joints", "1 to 10"],
    ),
    "no inertial": (robot(*TWO[:2], link("b", None), *TWO[3:]), "b", ["link b", "joint j2", "no mass"]),
    "zero mass": (robot(*TWO[:2], link("b", 0.0), *TWO[3:]), "b", ["link b", "joint j2", "no mass"]),
    "negative mass": (robot(*TWO[:2], link("b", -1.0), *TWO[3:]), "b", ["link b", "-1.0 kg", "from 0 up"]),
    "mass NaN": (robot(*TWO).replace('"1.0"', '"nan"'), "b", ["link a", "nan", "finite"]),
    "inertia NaN": (robot(*TWO).replace('"0.03"', '"nan"'), "b", ["link a", "inertial", "not finite"]),
    "negative inertia": (robot(*TWO).replace('"0.03"', '"-0.03"'), "b", ["link a", "principal inertias", "below 0"]),
    "triangle": (robot(*TWO).replace('"0.03"', '"0.3"'), "b", ["link a", "principal inertias", "sum of the other two"]),
    "point mass": (
        '<robot name="r"><link name="base"/><link name="a"><inertial><mass value="1"/>'
        '<inertia ixx="0" iyy="0" izz="0" ixy="0" ixz="0" iyz="0"/></inertial></link>'
        + joint("j", "base", "a")
        + "</robot>",
        "a",
        ["link a", "joint j", "positive definite"],
    ),
    "no inertia": (
        '<robot name="r"><link name="base"/><link name="a"><inertial><mass value="1"/></inertial></link>'
        + joint("j", "base", "a")
        + "</robot>",
        "a",
        ["link a", "no <inertia>"],
    ),
    "mimic": (
        robot(*TWO[:4], joint("j2", "a", "b", more=LIMIT + '<mimic joint="j1"/>')),
        "b",
        ["joint j2", "mimics j1", "`lock`"],
    ),
    "branch": (
        robot(*TWO, link("thumb"), joint("grip", "b", "thumb")),
        "b",
        ["branching chain", "joint grip", "link b", "with grip fixed or locked"],
    ),
    "floating": (robot(*TWO[:4], joint("j2", "a", "b", "floating")), "b", ["joint j2", "floating", "prismatic"]),
    "unknown type": (robot(*TWO[:4], joint("j2", "a", "b", "hinge")), "b", ["joint j2", "hinge", "revolute"]),
    "zero axis": (
        robot(*TWO[:4], joint("j2", "a", "b", axis="0 0 0")),
        "b",
        ["joint j2", "axis [0 0 0]", "a direction"],
    ),
    "axis NaN": (robot(*TWO[:4], joint("j2", "a", "b", axis="0 nan 1")), "b", ["joint j2", "axis", "a direction"]),
    "short axis": (robot(*TWO[:4], joint("j2", "a", "b", axis="0 1")), "b", ["joint j2", "axis [0 1]", "a direction"]),
    "origin NaN": (robot(*TWO[:4], joint("j2", "a", "b", xyz="0 nan 1")), "b", ["joint j2", "origin", "not finite"]),
    "limits swapped": (
        robot(*TWO[:4], joint("j2", "a", "b", more='<limit lower="2" upper="1"/>')),
        "b",
        ["joint j2", "lower 2, upper 1", "lower <= upper"],
    ),
    "limits NaN": (
        robot(*TWO[:4], joint("j2", "a", "b", more='<limit lower="nan" upper="1"/>')),
        "b",
        ["joint j2", "lower nan", "lower <= upper"],
    ),
    "effort NaN": (
        robot(*TWO[:4], joint("j2", "a", "b", more='<limit lower="0" upper="1" effort="nan"/>')),
        "b",
        ["joint j2", "effort nan", "from 0 up"],
    ),
    "no limits": (robot(*TWO[:4], joint("j2", "a", "b", more="")), "b", ["joint j2", "revolute", "<limit>"]),
    "no number": (robot(*TWO).replace('"0.03"', '"three"'), "b", ["not a valid URDF", "three"]),
    "no parent": (
        '<robot name="r"><link name="a"/><joint name="j" type="fixed"/></robot>',
        "a",
        ["joint j", "<parent>"],
    ),
    "unknown link": (robot(*TWO, joint("j3", "b", "c")), "b", ["joint j3", "link c is not defined"]),
    "link twice": (robot(*TWO, link("a")), "b", ["link a", "twice"]),
    "joint twice": (robot(*TWO, link("c"), joint("j2", "b", "c")), "c", ["joint j2", "twice"]),
    "two parents": (robot(*TWO, joint("j3", "base", "b")), "b", ["link b", "j2 and j3"]),
    "loop": (robot(*TWO[1:3], joint("j1", "a", "b"), joint("j2", "b", "a")), "b", ["closed loop"]),
}


def message(xml: str | Path, tip: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_chain(xml, tip, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_urdf_is_named(case: str, tmp_path: Path) -> None:
    xml, tip, words = WRONG[case]
    path = tmp_path / "arm.urdf"
    path.write_text(xml, encoding="utf-8")
    text = message(path, tip)
    assert text.startswith(str(path))
    assert all(word in text for word in words), text
    assert message(xml, tip).startswith("URDF text")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "none.urdf: file not found" in message(tmp_path / "none.urdf", "b")
    assert "cannot be read" in message(tmp_path, "b")


def test_syntax_error_has_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "arm.urdf"
    path.write_text('<robot name="r">\n  <link name="a">\n</robot>', encoding="utf-8")
    text = message(path, "a")
    assert text.startswith(f"{path}:3: is not XML: mismatched tag")
    assert "column" in text


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "arm.urdf"
    path.write_bytes(b"<robot>\xff\xfe</robot>")
    assert "UTF-8" in message(path, "a")


def test_xacro_error_is_told() -> None:
    text = robot("<xacro:nothing/>").replace("<robot", '<robot xmlns:xacro="http://www.ros.org/wiki/xacro"')
    assert "xacro cannot expand it: unknown macro name: xacro:nothing" in message(text, "a")


def test_wrong_base() -> None:
    xml = robot(*TWO, link("c"), joint("j3", "base", "c"))
    assert "base: link d not found; there are base, a, b, c" in message(xml, "b", base="d")
    assert "link b is not below base c; its root is base" in message(xml, "b", base="c")


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ({"j9": 0.0}, ["lock: joint j9 is not a movable joint", "j1, j2"]),
        ({"j2": float("nan")}, ["lock: joint j2: nan", "a finite position"]),
    ],
)
def test_wrong_lock(lock: dict[str, float], words: list[str]) -> None:
    text = message(robot(*TWO), "b", lock=lock)
    assert all(word in text for word in words), text


def test_wrong_gravity() -> None:
    assert "three finite numbers" in message(robot(*TWO), "b", gravity=(0.0, 0.0, float("nan")))
    assert "three finite numbers" in message(robot(*TWO), "b", gravity=(0.0, -9.81))
