"""Stands for many points: every point is reached along its normal, postures follow from each other, names are named."""

from functools import cache

import numpy as np
import pytest
from massage_arm.control.body import load_body
from massage_arm.control.tool import load_tool
from massage_arm.native import ArmModel, InputError
from massage_arm.sim.placement import DEEPEST, STAND_OFF, Placement, best_stand, least_angle, stand_for
from massage_arm.sim.postures import LIMIT_MARGIN, jacobians, joint_frames, solve
from massage_arm.sim.world import TABLE_HEIGHT
from massage_arm.urdf import ARMS, TCP, arm_description, arm_with_tool

UP = np.array([0.0, 0.0, TABLE_HEIGHT])
HEAVY = '<inertial><mass value="4"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
SLIDING = f"""<robot name="sliding"><link name="base"/><link name="cart">{HEAVY}</link><link name="hand">{HEAVY}</link>
<joint name="slide" type="prismatic"><parent link="base"/><child link="cart"/><origin xyz="0.1 0 0.3" rpy="0.2 0 0.4"/>
<axis xyz="0 1 0"/><limit lower="-1" upper="1" velocity="1" effort="9"/></joint>
<joint name="turn" type="revolute"><parent link="cart"/><child link="hand"/><origin xyz="0.2 0.1 0" rpy="0 0.5 0"/>
<axis xyz="1 0 0"/><limit lower="-2" upper="2" velocity="1" effort="9"/></joint>
</robot>"""


@cache
def model_of(arm: str) -> ArmModel:
    described = arm_description(arm)
    return ArmModel.from_urdf(arm_with_tool(described, load_tool("thumb").file), TCP, base=described.base)


def sites(side: str = "", person: str = "average") -> tuple[list[str], np.ndarray, np.ndarray]:
    chosen = [site for site in load_body(person).sites.values() if site.name.endswith(side)]
    points, normals = (np.array([getattr(site, what) for site in chosen]) for what in ("position", "normal"))
    return [site.name for site in chosen], points + UP, normals


def on_the_back(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    field = load_body("average").height_field
    rows = np.array([field.value_and_gradient(*at) for at in zip(x, y, strict=True)])
    normals = np.column_stack([-rows[:, 1:], np.ones(len(rows))])
    points = np.column_stack([x, y, rows[:, 0]]) + UP
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def holds(model: ArmModel, base: np.ndarray, q: np.ndarray, at: np.ndarray, normal: np.ndarray) -> bool:
    """Whether the compiled model has the tool at a point of the world, into the normal, away from every joint limit."""
    pose = base @ model.forward(q)
    inside = np.all(q > model.chain.lower + LIMIT_MARGIN - 1e-9) and np.all(q < model.chain.upper - LIMIT_MARGIN + 1e-9)
    return bool(inside and np.linalg.norm(pose[:3, 3] - at) < 1e-5 and np.linalg.norm(pose[:3, 2] + normal) < 1e-5)


def clear_of_table(model: ArmModel, base: np.ndarray, q: np.ndarray) -> float:
    """M from the table, 0.72 m wide and 0.70 m high, to the lines between the joints from the second on."""
    ends = joint_frames(model.chain, q[None])[1][0, 1:] @ base[:3, :3].T + base[:3, 3]
    share = np.linspace(0.0, 1.0, 8)[:, None, None]
    points = (ends[:-1] * (1.0 - share) + ends[1:] * share).reshape(-1, 3)
    beside, above = np.maximum(0.0, np.abs(points[:, 1]) - 0.36), np.maximum(0.0, points[:, 2] - 0.70)
    return float(np.hypot(beside, above).min())


def check_posture_of_each(model: ArmModel, found: Placement, points: np.ndarray, normals: np.ndarray) -> None:
    turn, at = found.base[:3, :3], found.base[:3, 3]
    for q, point, normal in zip(found.postures, points, normals, strict=True):
        if np.isnan(q[0]):
            continue
        assert holds(model, found.base, q, point + STAND_OFF * normal, normal)
        deep = point - DEEPEST * normal
        below, _ = solve(model.chain, q[None], ((deep - at) @ turn)[None], (-normal @ turn)[None], q[None])
        assert holds(model, found.base, below[0], deep, normal)
        assert np.abs(below[0] - q).max() < 1.2, "the same attitude of the arm above and below"
        for posture in (q, below[0]):
            assert clear_of_table(model, found.base, posture) > 0.089


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_stand_reaches_every_site_of_a_side(arm: str, side: str) -> None:
    model = model_of(arm)
    names, points, normals = sites(side)
    found = stand_for(model, points, normals, names)
    assert found.postures.shape == (9, model.n) and found.reached.all()
    assert np.array_equal(found.q, found.postures[0])
    assert abs(found.base[1, 3]) > 0.5, "beside the table"
    check_posture_of_each(model, found, points, normals)


@pytest.mark.parametrize("arm", ["iiwa14", "kinova"])
def test_what_counts_as_reached_is_reached_where_not_all_of_it_is(arm: str) -> None:
    model = model_of(arm)
    _, points, normals = sites(person="man_58_heavy")
    found = best_stand(model, points, normals)
    assert 9 <= found.reached.sum() < 18
    check_posture_of_each(model, found, points, normals)


@pytest.mark.parametrize("arm", ARMS)
def test_along_a_stroke_of_300_mm_the_posture_has_no_jump(arm: str) -> None:
    points, normals = on_the_back(np.linspace(0.0, 0.3, 40), np.full(40, 0.04))
    found = stand_for(model_of(arm), points, normals)
    assert np.abs(np.diff(found.postures, axis=0)).max() < 0.25


def test_around_a_circle_the_posture_comes_back() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    points, normals = on_the_back(0.15 + 0.05 * np.cos(angle), 0.06 + 0.04 * np.sin(angle))
    postures = stand_for(model_of("iiwa14"), points, normals).postures
    assert np.abs(postures - np.roll(postures, 1, axis=0)).max() < 0.15


def test_the_same_points_give_the_same_bits() -> None:
    _, points, normals = sites("left")
    first, again = (stand_for(model_of("panda"), points, normals) for _ in range(2))
    assert first.postures.tobytes() == again.postures.tobytes() and first.base.tobytes() == again.base.tobytes()


def test_a_point_out_of_reach_is_named_and_so_are_those_that_are_reached() -> None:
    names, points, normals = sites("left")
    points[3, 0] += 3.0
    with pytest.raises(InputError) as refused:
        stand_for(model_of("panda"), points, normals, names)
    missed, kept = str(refused.value).split(" cannot be reached with the others; ")
    assert missed.endswith(f": {names[3]}")
    assert all(name in kept for name in names[:3] + names[4:]) and names[3] not in kept


def test_what_no_stand_reaches_together_is_named_with_the_most_that_one_does() -> None:
    names, points, normals = sites()
    points[:, 1] *= 3.0
    found = best_stand(model_of("panda"), points, normals)
    assert 5 <= found.reached.sum() < 18
    with pytest.raises(InputError) as refused:
        stand_for(model_of("panda"), points, normals, names)
    missed, kept = str(refused.value).split(" cannot be reached with the others; ")
    for name, there in zip(names, found.reached, strict=True):
        assert (name in kept, name in missed) == (there, not there)


def test_when_nothing_is_reached_that_is_said() -> None:
    points, normals = on_the_back(np.array([0.1, 0.2]), np.array([0.05, 0.05]))
    with pytest.raises(InputError, match=r"point 0, point 1 cannot be reached .* none reaches any"):
        stand_for(model_of("iiwa14"), points + 5.0 * UP, normals)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((2, 2)), np.full((2, 3), np.nan)])
def test_points_that_are_none_are_refused(points: np.ndarray) -> None:
    with pytest.raises(InputError, match="points"):
        stand_for(model_of("iiwa14"), points, points)


def test_a_normal_that_cannot_be_had_is_come_near_to() -> None:
    model = model_of("panda")
    _, points, _ = sites("left")
    normal = np.array([0.0, np.sin(np.radians(150)), np.cos(np.radians(150))])  # from below, through the table
    nearest = least_angle(model, points[4], normal)
    assert nearest is not None
    found, angle = nearest
    pose = found.base @ model.forward(found.q)
    assert np.linalg.norm(pose[:3, 3] - points[4]) < 1e-3
    assert np.arccos(-pose[:3, 2] @ normal) == pytest.approx(angle, abs=1e-6)
    assert np.radians(10) < angle < np.radians(120)
    assert least_angle(model, points[4] + 5.0 * UP, normal) is None


def test_many_postures_at_once_are_those_of_the_compiled_model() -> None:
    rng = np.random.default_rng(3)
    for model in (*map(model_of, ARMS), ArmModel.from_urdf(SLIDING, "hand")):
        q = rng.uniform(-1.0, 1.0, (5, model.n))
        axes, places, turn, tip = joint_frames(model.chain, q)
        found = jacobians(model.chain, axes, places, tip)
        for k in range(5):
            np.testing.assert_allclose(model.forward(q[k])[:3, :3], turn[k], atol=1e-12)
            np.testing.assert_allclose(model.forward(q[k])[:3, 3], tip[k], atol=1e-12)
            np.testing.assert_allclose(model.jacobian(q[k]), found[k], atol=1e-12)
