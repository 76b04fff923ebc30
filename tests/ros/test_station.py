"""A station's file, what is refused in it, and the plan that is performed on it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from massage_arm.control.plan import PressPlan, parse_plan
from massage_arm.native import ArmState, InputError, Task
from massage_arm.sim.runs import simulate
from massage_arm_ros.performance import Performance, pointing
from massage_arm_ros.stage import Stage, set_stage
from massage_arm_ros.station import load_station
from scipy.spatial.transform import Rotation

PLAN = PressPlan(force_n=20.0, arm="panda", control_hz=250)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_stage(tmp_path_factory.mktemp("stage"), PLAN, "franka_fr3")


@pytest.fixture
def changed(stage: Stage) -> Callable[..., Path]:
    """A copy of the station's file beside it, with other values."""

    def change(**values: object) -> Path:
        given = yaml.safe_load(stage.station.read_text()) | values
        path = stage.station.with_name("mine.yaml")
        path.write_text(yaml.safe_dump({key: value for key, value in given.items() if value is not None}))
        return path

    return change


def test_the_arm_of_a_stage_stands_where_the_simulated_one_does(stage: Stage) -> None:
    station, simulation = load_station(stage.station), simulate(PLAN)
    q = simulation.arm.read().q
    np.testing.assert_allclose(station.model.forward(q), simulation.model.forward(q), atol=1e-9)
    on_table = simulation.base.copy()
    on_table[2, 3] -= 0.7
    np.testing.assert_allclose(station.base, on_table, atol=1e-9)
    true, believed = simulation.model.chain.mass, station.model.chain.mass
    assert 1e-3 < np.abs(believed / true - 1.0).max() < 0.2, "a model is never exact, and never wild"
    simulation.close()


def test_the_back_is_known_with_the_errors_of_its_scan(stage: Stage) -> None:
    performance = Performance(parse_plan(stage.known.read_text()), load_station(stage.station))
    simulation = simulate(PLAN)
    np.testing.assert_allclose(performance.task.position, simulation.task.position, atol=1e-12)
    assert performance.task.allowed_limits == simulation.task.allowed_limits
    simulation.close()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"arm": "franka"}, "did you mean franka_fr3"),
        ({"arm": "ur_e"}, "tool0"),
        ({"command": "force_mode"}, "one of set_points, effort is"),
        ({"urdf": "nowhere.urdf"}, "file not found"),
        ({"tool": "nowhere.yaml"}, "nowhere.yaml"),
        ({"base_mm": [0.0, float("nan"), 0.0]}, "base_mm"),
        ({"base_mm": [0.0, 9000.0, 0.0]}, "base_mm"),
        ({"base_yaw_deg": 1e9}, "base_yaw_deg"),
        ({"base_m": 1.0}, "base_m: this key is not allowed"),
        ({"source": None}, "source"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], said: str, changed: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml") as refused:
        load_station(changed(**values))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_command_that_the_arm_does_not_take(changed: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="command: velocity is not allowed"):
        load_station(changed(command="velocity"))


def test_a_session_with_another_tool_than_the_stations_is_refused(stage: Stage) -> None:
    plan = replace(parse_plan(stage.known.read_text()), tool="palm")
    with pytest.raises(InputError, match="the station has thumb"):
        Performance(plan, load_station(stage.station))


def test_before_anything_is_asked_the_arm_is_to_stay_where_it_is(stage: Stage) -> None:
    performance = Performance(parse_plan(stage.known.read_text()), load_station(stage.station))
    state = ArmState(7)
    state.q[:] = 0.1, -0.5, 0.2, -2.0, 0.1, 1.7, 0.6
    performance.begin(state)
    pose = performance.model.forward(state.q)
    np.testing.assert_allclose(performance.set_point.position, pose[:3, 3])
    assert performance.set_point.task == Task.HOLD
    slow = performance.slow
    assert not slow.over
    into = performance.body_to_base[:3, :3] @ -performance.task.normal
    at_work = Rotation.from_quat(slow._work.quaternion).as_matrix()[:, 2]
    np.testing.assert_allclose(at_work, into, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_pointing_turns_by_the_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attitude = Rotation.random(random_state=seed).as_matrix()
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    turned = Rotation.from_quat(pointing(attitude, direction))
    np.testing.assert_allclose(turned.as_matrix()[:, 2], direction, atol=1e-9)
    angle = (turned * Rotation.from_matrix(attitude).inv()).magnitude()
    assert angle == pytest.approx(np.arccos(attitude[:, 2] @ direction), abs=1e-6)
    for opposite in (attitude[:, 2], -attitude[:, 2]):
        np.testing.assert_allclose(
            Rotation.from_quat(pointing(attitude, opposite)).as_matrix()[:, 2], opposite, atol=1e-9
        )
