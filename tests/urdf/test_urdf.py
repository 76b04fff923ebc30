"""The data files and how they are put together; PyBullet and Pinocchio read the result."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pybullet
import pytest
from massage_arm.native import InputError
from massage_arm.native.urdf import read_chain
from massage_arm.urdf import (
    ARMS,
    TCP,
    TOOLS,
    arm_description,
    arm_urdf_path,
    arm_with_tool,
    mount_tool,
    stand_urdf,
    table_urdf,
    tool_file,
    user_arm,
)

USER = """<robot name="mine"><link name="base"/>
<link name="arm"><inertial><mass value="2"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <visual><geometry><mesh filename="package://my_arm/meshes/arm.stl"/></geometry></visual>
  <visual><geometry><mesh filename="meshes/arm.stl"/></geometry></visual>
  <collision><geometry><mesh filename="package://nowhere/arm.stl"/></geometry></collision></link>
<link name="hand"/><link name="finger"/>
<joint name="shoulder" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>
  <limit lower="-1" upper="1" velocity="2"/></joint>
<joint name="wrist" type="fixed"><parent link="arm"/><child link="hand"/><origin xyz="0 0 0.3"/></joint>
<joint name="grip" type="prismatic"><parent link="hand"/><child link="finger"/>
  <origin xyz="0 0 0.1" rpy="0 0 1.5707963267948966"/><axis xyz="1 0 0"/><limit lower="0.01" upper="0.04"/></joint>
<transmission name="t"><joint name="grip"/></transmission></robot>"""


# the same for Pinocchio, which wants every limit
FULL = USER.replace('velocity="2"', 'velocity="2" effort="5"').replace(
    'upper="0.04"', 'upper="0.04" velocity="1" effort="5"'
)


@pytest.fixture(scope="module")
def client() -> Iterator[int]:
    number = pybullet.connect(pybullet.DIRECT)
    yield number
    pybullet.disconnect(number)


@pytest.fixture
def user_urdf(tmp_path: Path) -> Path:
    """my_arm/urdf/mine.urdf with two meshes, one beside it and one in the package."""
    path = tmp_path / "my_arm" / "urdf" / "mine.urdf"
    for folder in (path.parent / "meshes", path.parent.parent / "meshes"):
        folder.mkdir(parents=True)
        (folder / "arm.stl").touch()
    path.write_text(USER, encoding="utf-8")
    return path


# -------------------------------------------------------------------------------------------------------------- arms


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ARMS)
def test_every_arm_carries_every_tool(name: str, tool: str, tmp_path: Path, client: int) -> None:
    arm = arm_description(name)
    text = arm_with_tool(arm, tool_file(tool))
    path = tmp_path / "arm.urdf"
    path.write_text(text, encoding="utf-8")
    flags = pybullet.URDF_USE_INERTIA_FROM_FILE
    body = pybullet.loadURDF(str(path), useFixedBase=True, flags=flags, physicsClientId=client)
    infos = [pybullet.getJointInfo(body, i, client) for i in range(pybullet.getNumJoints(body, client))]
    moving = tuple(info[1].decode() for info in infos if info[2] != pybullet.JOINT_FIXED)
    masses = [pybullet.getDynamicsInfo(body, i, client)[0] for i in range(len(infos))]
    pybullet.removeBody(body, client)
    model = pin.buildModelFromXML(text)
    assert moving == arm.joint_names
    assert model.njoints - 1 == len(moving)
    first = next(i for i, info in enumerate(infos) if info[2] != pybullet.JOINT_FIXED)
    assert sum(masses[first:]) == pytest.approx(pin.computeTotalMass(model), abs=1e-9)  # without what never moves


@pytest.mark.parametrize("name", ARMS)
def test_tcp_continues_the_flange_axis(name: str) -> None:
    """From the last joint's axis, which is the outward axis of every flange, straight out by the tool's length."""
    arm = arm_description(name)
    chain = read_chain(arm_with_tool(arm, tool_file("thumb")), TCP, base=arm.base)
    outward = -1.0 if name == "kinova" else 1.0  # its last joint turns about the axis that points back
    np.testing.assert_allclose(chain.tip_placement[:3, 2], [0.0, 0.0, outward], atol=1e-9)
    np.testing.assert_allclose(chain.tip_placement[:2, 3], 0.0, atol=1e-9)
    distance = {"iiwa14": 0.045, "panda": 0.107, "ur10": 0.0922, "ur5": 0.0823, "kinova": 0.1204}[name] + 0.120
    assert chain.tip_placement[2, 3] == pytest.approx(outward * distance, abs=1e-9)


@pytest.mark.parametrize("name", ARMS)
def test_limits_of_the_description_are_in_the_urdf(name: str) -> None:
    arm = arm_description(name)
    chain = read_chain(arm_with_tool(arm, tool_file("thumb")), TCP, base=arm.base)
    assert chain.effort_limit.tolist() == arm.torque_limits.tolist()
    assert chain.velocity_limit.tolist() == arm.velocity_limits.tolist()
    assert arm.gravity in ("robot", "robot_without_tool", "us")
    assert set(arm.torque_rates) == {300.0}


def test_meshes_of_every_arm_are_found() -> None:
    for name in ARMS:
        shapes = {
            element.get("filename", "")
            for element in ElementTree.fromstring(arm_with_tool(arm_description(name), tool_file("ball"))).iter("mesh")
        }
        assert len(shapes) >= 7
        assert all(Path(shape).is_absolute() and Path(shape).is_file() for shape in shapes)


def test_hand_of_the_panda_comes_off() -> None:
    text = arm_with_tool(arm_description("panda"), tool_file("thumb"))
    assert "finger" not in text
    assert "panda_hand" not in text


def test_unknown_arm_names_the_known() -> None:
    with pytest.raises(ValueError, match="arm: iiwa is not known; iiwa14, panda, ur10, ur5, kinova or the path"):
        arm_description("iiwa")
    with pytest.raises(ValueError, match="arm: iiwa is not known"):
        arm_urdf_path("iiwa")


def test_missing_data_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(FileNotFoundError, match=r"arm panda: .*pip install 'massage-arm\[arms\]'"):
        arm_urdf_path("panda")


# -------------------------------------------------------------------------------------------------- an arm of one's own


def test_user_arm(user_urdf: Path) -> None:
    arm = user_arm(user_urdf, "hand")
    assert (arm.name, arm.base, arm.flange, arm.joint_names) == ("mine", "base", "hand", ("shoulder",))
    assert (arm.torque_limits.tolist(), arm.velocity_limits.tolist()) == ([np.inf], [2.0])
    assert (arm.gravity, dict(arm.lock), arm.mount_xyz) == ("robot", {"grip": 0.01}, (0.0, 0.0, 0.0))
    chain = read_chain(arm_with_tool(arm, tool_file("thumb")), TCP)
    np.testing.assert_allclose(chain.mass, [2.0 + 0.19 + 0.22])
    assert chain.velocity_limit.tolist() == [2.0]


def test_a_chain_that_branches_before_its_last_moving_body_is_refused(user_urdf: Path) -> None:
    second = USER.replace('<parent link="hand"/><child link="finger"/>', '<parent link="arm"/><child link="finger"/>')
    third = """<link name="wheel"/>
    <joint name="turn" type="continuous"><parent link="hand"/><child link="wheel"/></joint>
    </robot>"""
    user_urdf.write_text(second.replace("</robot>", third))
    assert dict(user_arm(user_urdf, "hand").lock) == {"grip": 0.01, "turn": 0.0}
    assert user_arm(user_urdf, "wheel").lock == {}
    with pytest.raises(InputError, match="branching chain: prismatic joint grip on link arm leads away from the tip"):
        read_chain(user_urdf, "wheel", lock=user_arm(user_urdf, "wheel").lock)


def test_meshes_of_a_user_urdf(user_urdf: Path) -> None:
    text = mount_tool(user_urdf, "hand", tool_file("thumb"))
    meshes = [element.get("filename") for element in ElementTree.fromstring(text).iter("mesh")]
    folder = user_urdf.resolve().parent
    assert meshes == [str(folder.parent / "meshes" / "arm.stl"), str(folder / "meshes" / "arm.stl")]
    assert "transmission" not in text


def test_locked_joint_becomes_fixed_where_it_is(user_urdf: Path) -> None:
    text = mount_tool(user_urdf, "hand", tool_file("thumb"), lock={"grip": 0.02, "shoulder": 0.7})
    model = pin.buildModelFromXML(text)
    assert model.njoints == 1
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    free = pin.buildModelFromXML(FULL)
    there = free.createData()
    pin.framesForwardKinematics(free, there, np.array([0.7, 0.02]))
    for link in ("arm", "finger"):
        seen = data.oMf[model.getFrameId(link)].homogeneous
        np.testing.assert_allclose(seen, there.oMf[free.getFrameId(link)].homogeneous, atol=1e-12)


def test_locked_joint_at_the_singular_pitch(tmp_path: Path) -> None:
    path = tmp_path / "arm.urdf"
    path.write_text(
        FULL.replace('<axis xyz="0 1 0"/>', '<origin rpy="0.3 0 0.5"/><axis xyz="0 1 0"/>'), encoding="utf-8"
    )
    for position in (np.pi / 2, -np.pi / 2):
        model = pin.buildModelFromXML(
            mount_tool(path, "hand", tool_file("thumb"), lock={"shoulder": position, "grip": 0})
        )
        free = pin.buildModelFromXML(path.read_text(encoding="utf-8"))
        data, there = model.createData(), free.createData()
        pin.framesForwardKinematics(model, data, pin.neutral(model))
        pin.framesForwardKinematics(free, there, np.array([position, 0.0]))
        seen = data.oMf[model.getFrameId("hand")].homogeneous
        np.testing.assert_allclose(seen, there.oMf[free.getFrameId("hand")].homogeneous, atol=1e-8)


def test_mount_is_turned_and_shifted(user_urdf: Path) -> None:
    text = mount_tool(user_urdf, "hand", tool_file("thumb"), (0.01, 0.02, 0.03), (np.pi, 0.0, 0.0), lock={"grip": 0.01})
    tip = read_chain(text, TCP).tip_placement
    hand = read_chain(text, "hand").tip_placement
    np.testing.assert_allclose(np.linalg.solve(hand, tip)[:3, 3], [0.01, 0.02, 0.03 - 0.12], atol=1e-12)


def test_what_cannot_be_mounted_is_named(user_urdf: Path, tmp_path: Path) -> None:
    thumb = tool_file("thumb")
    with pytest.raises(FileNotFoundError, match=r"none\.urdf: file not found"):
        mount_tool(tmp_path / "none.urdf", "hand", thumb)
    with pytest.raises(FileNotFoundError, match=r"none\.yaml: file not found"):
        mount_tool(user_urdf, "hand", tmp_path / "none.yaml")
    with pytest.raises(ValueError, match="flange: link tip not found; there are base, arm, hand, finger"):
        mount_tool(user_urdf, "tip", thumb)
    with pytest.raises(ValueError, match="remove: link claw not found"):
        mount_tool(user_urdf, "hand", thumb, remove=["claw"])
    with pytest.raises(ValueError, match="lock: joint wrist is not a movable joint; there are shoulder, grip"):
        mount_tool(user_urdf, "hand", thumb, lock={"wrist": 0.0})
    with pytest.raises(ValueError, match="limits: joint elbow not found"):
        mount_tool(user_urdf, "hand", thumb, limits={"elbow": (1.0, 1.0)})
    user_urdf.write_text(USER.replace('"hand"', '"tool"'), encoding="utf-8")
    with pytest.raises(ValueError, match="link tool is not allowed in an arm"):
        mount_tool(user_urdf, "tool", thumb)
    user_urdf.write_text("<robot>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.urdf: cannot be expanded"):
        mount_tool(user_urdf, "hand", thumb)


def test_wrong_user_arm_is_named(user_urdf: Path) -> None:
    with pytest.raises(FileNotFoundError, match="file not found"):
        user_arm(user_urdf.with_name("none.urdf"), "hand")
    with pytest.raises(ValueError, match="link tip not found; there are base"):
        user_arm(user_urdf, "tip")
    with pytest.raises(ValueError, match="no joint moves link base"):
        user_arm(user_urdf, "base")
    user_urdf.write_text(USER.replace('velocity="2"', 'velocity="fast"'), encoding="utf-8")
    with pytest.raises(ValueError, match="joint shoulder: velocity 'fast' is not allowed"):
        user_arm(user_urdf, "hand")


# ------------------------------------------------------------------------------------------------- tool, table, stand


@pytest.mark.parametrize("tool", TOOLS)
def test_tip_of_the_drawn_tool_is_at_the_tcp(tool: str, user_urdf: Path) -> None:
    """The shapes of link `tool` end at the TCP, seen along +z."""
    robot = ElementTree.fromstring(mount_tool(user_urdf, "hand", tool_file(tool)))
    joints = {joint.get("name"): joint for joint in robot.findall("joint")}
    tcp = float(joints["tcp_joint"].find("origin").get("xyz").split()[2])  # type: ignore[union-attr]
    link = next(link for link in robot.findall("link") if link.get("name") == "tool")
    for tag in ("visual", "collision"):
        ends = []
        for shape in link.findall(tag):
            z = float(shape.find("origin").get("xyz").split()[2])  # type: ignore[union-attr]
            solid = shape.find("geometry")[0]  # type: ignore[index]
            ends.append(
                z + (float(solid.get("radius", "")) if solid.tag == "sphere" else float(solid.get("length", "")) / 2)
            )
        assert max(ends) == pytest.approx(tcp, abs=1e-12)


def test_unknown_tool_names_the_known() -> None:
    assert TOOLS == ("ball", "palm", "thumb")
    with pytest.raises(ValueError, match="tool: fist is not known; ball, palm, thumb or the path"):
        tool_file("fist")


@pytest.mark.parametrize(("make", "height"), [(table_urdf, 0.65), (stand_urdf, 0.8)])
def test_furniture_stands_on_the_floor_and_is_as_high_as_asked(
    make: object, height: float, tmp_path: Path, client: int
) -> None:
    path = tmp_path / "furniture.urdf"
    path.write_text(make(height), encoding="utf-8")  # type: ignore[operator]
    body = pybullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
    low, high = pybullet.getAABB(body, -1, client)
    pybullet.removeBody(body, client)
    assert low[2] == pytest.approx(0.0, abs=0.003)  # PyBullet adds a margin
    assert high[2] == pytest.approx(height, abs=0.003)
    if make is table_urdf:
        assert high[0] - low[0] == pytest.approx(1.95, abs=0.01)
        assert high[1] - low[1] == pytest.approx(0.72, abs=0.01)


def test_table_has_a_hole_for_the_face(tmp_path: Path, client: int) -> None:
    path = tmp_path / "table.urdf"
    path.write_text(table_urdf(0.7), encoding="utf-8")
    body = pybullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
    hits = pybullet.rayTestBatch(
        [[0.75, 0.0, 1.0], [0.75, 0.2, 1.0], [0.0, 0.0, 1.0], [0.95, 0.0, 1.0]],
        [[0.75, 0.0, 0.1], [0.75, 0.2, 0.1], [0.0, 0.0, 0.1], [0.95, 0.0, 0.1]],
        physicsClientId=client,
    )
    pybullet.removeBody(body, client)
    assert [hit[0] == body for hit in hits] == [False, True, True, True]


@pytest.mark.parametrize(("make", "height"), [(table_urdf, 2.0), (stand_urdf, 0.0), (table_urdf, float("nan"))])
def test_height_out_of_range_is_named(make: object, height: float) -> None:
    with pytest.raises(ValueError, match=r"(table|stand): height .* m is not allowed; 0\.\d to"):
        make(height)  # type: ignore[operator]
