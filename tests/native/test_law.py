"""The pieces of the law: damping, and the settings that cross into the compiled code by position."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from massage_arm.native import RESPONSE, Cause, ControllerSettings, GuardLimits, InputError, Level, settings
from massage_arm.native.reference.law import damping, task_inertias


def random_definite(rng: np.random.Generator, n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    A = rng.normal(size=(n, n))
    return A @ A.T + 0.1 * np.eye(n)


@pytest.mark.parametrize("ratio", [0.7, 1.0])
def test_every_mode_has_the_damping_ratio(ratio: float) -> None:
    rng = np.random.default_rng(11)
    for _ in range(200):
        inertia, stiffness = random_definite(rng, 3), 1000.0 * random_definite(rng, 3)
        D = damping(inertia, stiffness, ratio)
        np.testing.assert_allclose(D, D.T, rtol=1e-9, atol=1e-9 * np.abs(D).max())
        np.testing.assert_allclose(
            D.T @ np.linalg.solve(inertia, D) / (4.0 * ratio**2), stiffness, rtol=1e-8, atol=1e-8 * stiffness.max()
        )


def test_task_inertias_are_the_inverse_mobilities() -> None:
    rng = np.random.default_rng(12)
    M, J = random_definite(rng, 7), rng.normal(size=(6, 7))
    whole, linear, angular = task_inertias(M, J, 0.0, 0.0)
    mobility = J @ np.linalg.inv(M) @ J.T
    np.testing.assert_allclose(whole @ mobility, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(linear @ mobility[:3, :3], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(angular @ mobility[3:, 3:], np.eye(3), atol=1e-9)


def test_settings_stand_in_the_same_order_in_the_struct_and_the_dataclass() -> None:
    text = Path(settings.__file__).resolve().with_name("settings.pxd").read_text(encoding="utf-8")
    struct = re.findall(r"^    (?:double|int) (\w+)(\[\w+\])?", text.split("cdef struct Settings:")[1], re.MULTILINE)
    names = [name for name, _ in struct]
    assert len(names) == len(text.split("cdef struct Settings:")[1].strip().splitlines())
    first = names.index("period")
    assert names[first:] == [field.name for field in fields(ControllerSettings)]
    assert not any(size for _, size in struct[first:])


def test_guard_limits_stand_in_the_same_order_in_the_struct_and_the_dataclass() -> None:
    text = Path(settings.__file__).resolve().with_name("guard.pxd").read_text(encoding="utf-8")
    struct = text.split("cdef struct GuardLimits:")[1].split("\n\n")[0]
    assert re.findall(r"^    double (\w+)", struct, re.MULTILINE) == [field.name for field in fields(GuardLimits)]


def test_compiled_causes_and_levels_are_those_of_python() -> None:
    text = Path(settings.__file__).resolve().with_name("causes.pxd").read_text(encoding="utf-8")
    numbers = {name: int(value) for name, value in re.findall(r"^    (\w+) = (\d+)", text, re.MULTILINE)}
    assert numbers.pop("CAUSES") == len(Cause)
    levels = {f"LEVEL_{level.name}": level.value for level in Level}
    assert numbers == {cause.name: cause.value for cause in Cause} | levels
    assert set(RESPONSE) == set(Cause)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_settings_refuse_what_is_no_amount(bad: float) -> None:
    for field in fields(ControllerSettings):
        with pytest.raises(InputError, match=field.name):
            ControllerSettings(**{field.name: bad})


@pytest.mark.parametrize("name", ["release_rate", "retract_speed", "sensor_timeout", "drop_rate"])
def test_settings_refuse_a_zero_that_would_keep_the_force_in(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} = 0: a finite number above 0 is allowed"):
        ControllerSettings(**{name: 0.0})
