"""Arm profiles: the shipped files, why they press nobody, the wrench in our convention, what is said of bad files."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.native import InputError
from massage_arm_ros.arm_profile import FOLDER, ArmProfile, Verified, Wrench, arm_names, load_arm, profile_hash
from massage_arm_ros.arm_profile import to_tool_wrench as to_tool
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]
NAMES = ["doosan", "flexiv_rizon", "franka_fr3", "kinova_gen3", "kuka_lbr_fri", "ur_e", "xarm"]
PAGE = Path(__file__).parents[2] / "docs" / "real_arm.md"


@pytest.fixture(params=NAMES)
def profile(request: pytest.FixtureRequest) -> ArmProfile:
    return load_arm(request.param)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the FR3's file with texts replaced, in its first place only."""

    def change(*pairs: tuple[str, str]) -> Path:
        text = (FOLDER / "franka_fr3.yaml").read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return change


# The shipped files.


def test_all_are_listed() -> None:
    assert arm_names() == NAMES


def test_shipped_profile_is_unverified_and_presses_nobody(profile: ArmProfile) -> None:
    assert profile.file.stem == profile.name
    assert profile.verified == Verified(0, None, None, None)
    for command in profile.commands:
        assert "verified to level 0" in profile.refusal(on_person=True, command=command)
        assert "to press a phantom takes level 4" in profile.refusal(on_person=False, command=command)


def test_shipped_profile_has_no_watchdog_that_protects(profile: ArmProfile) -> None:
    """No driver that was read notices by itself that a Python process froze."""
    assert not any(command.protects for command in profile.commands)


def test_shipped_profile_is_complete_enough_to_stop(profile: ArmProfile) -> None:
    assert profile.stop and profile.recovery[0].do == "operator"
    assert all(step.name for step in (*profile.stop, *profile.recovery) if step.do != "operator")


def test_page_has_the_row_of_every_profile(profile: ArmProfile) -> None:
    wrench = profile.wrench
    seen = "none" if wrench is None else f"{wrench.kind}, {wrench.sign}" + ", dead band" * (wrench.dead_band_n > 0)
    kinds = ", ".join(command.kind for command in profile.commands)
    facts = (f"`{profile.name}`", profile.driver, kinds, profile.gravity, seen, profile.joint_states.effort)
    row = f"| {' | '.join(facts)} |"
    assert row in PAGE.read_text(encoding="utf-8"), row


# Who may be pressed.


def verified(profile: ArmProfile, level: int) -> ArmProfile:
    """The profile as after somebody's verification, with a watchdog behind every command."""
    commands = tuple(replace(command, protects=True) for command in profile.commands)
    record = Verified(level, "2026-11-26", "A. Operator", profile_hash(profile))
    return replace(profile, verified=record, commands=commands)


def test_verified_profile_presses_phantom_then_person() -> None:
    franka = load_arm("franka_fr3")
    assert [verified(franka, level).refusal(on_person=False) == "" for level in range(6)] == [False] * 4 + [True] * 2
    assert [verified(franka, level).refusal(on_person=True) == "" for level in range(6)] == [False] * 5 + [True]


def with_wrench(profile: ArmProfile, **facts: Any) -> ArmProfile:
    assert profile.wrench is not None
    return replace(profile, wrench=replace(profile.wrench, **facts))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: with_wrench(p, sign="unknown"), "wrench.sign is unknown"),
        (lambda p: with_wrench(p, point="unknown"), "wrench.point is unknown"),
        (lambda p: with_wrench(p, axes="unknown"), "wrench.axes is unknown"),
        (lambda p: with_wrench(p, topic="unknown"), "wrench.topic is unknown"),
        (lambda p: replace(p, wrench=None), "gives no wrench"),
        (lambda p: replace(p, gravity="unknown"), "gravity.compensated_by is unknown"),
        (lambda p: replace(p, verified=replace(p.verified, hash="0" * 64)), "changed since it was verified"),
        (lambda p: replace(p, commands=load_arm("xarm").commands), "where velocity commands go is unknown"),
    ],
)
def test_one_doubt_is_enough(spoil: Callable[[ArmProfile], ArmProfile], said: str) -> None:
    profile = spoil(verified(load_arm("franka_fr3"), 5))
    assert said in profile.refusal(on_person=True)
    assert said in profile.refusal(on_person=False)


def test_person_needs_a_watchdog() -> None:
    franka = load_arm("franka_fr3")
    for command in franka.commands:
        assert "protects a person" in verified(franka, 5).refusal(on_person=True, command=command)
        assert verified(franka, 5).refusal(on_person=False, command=command) == ""


def test_hash_stands_for_the_facts_and_not_for_the_record(changed: Callable[..., Path]) -> None:
    shipped = profile_hash(load_arm("franka_fr3"))
    record = f"verified: {{level: 4, date: 2026-11-26T10:00, operator: A. Operator, hash: '{shipped}'}}"
    path = changed(("verified: {level: 0}", record.replace("2026-11-26T10:00", "'2026-11-26'")))
    profile = load_arm(path)
    assert profile_hash(profile) == shipped
    assert profile.refusal(on_person=False) == ""
    path.write_text(path.read_text(encoding="utf-8").replace("sign: on_environment", "sign: on_tool"), encoding="utf-8")
    assert "changed since it was verified" in load_arm(path).refusal(on_person=False)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        profile.refusal(on_person=False)


# The wrench in our convention.


def wrench_of(point: str = "flange", axes: str = "flange", sign: str = "on_tool") -> Wrench:
    wrench = load_arm("franka_fr3").wrench
    assert wrench is not None
    return replace(wrench, point=point, axes=axes, sign=sign)


floats = st.floats(-200.0, 200.0)
wrenches = st.lists(floats, min_size=6, max_size=6).map(np.array)


@st.composite
def poses(draw: st.DrawFn) -> Floats:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec([draw(st.floats(-3.0, 3.0)) for _ in range(3)]).as_matrix()
    pose[:3, 3] = [draw(st.floats(-1.0, 1.0)) for _ in range(3)]
    return pose


@given(wrenches)
def test_sign_twice_is_identity(published: Floats) -> None:
    opposite = wrench_of("tcp", "tcp", "on_environment")
    np.testing.assert_array_equal(to_tool(to_tool(published, opposite, {}), opposite, {}), published)
    np.testing.assert_array_equal(to_tool(published, opposite, {}), -to_tool(published, wrench_of("tcp", "tcp"), {}))


@given(wrenches, poses())
def test_moment_shifts_by_the_lever_arm(published: Floats, flange: Floats) -> None:
    """Force is turned only; the moment about the flange is the one about the TCP less lever arm times force."""
    ours = to_tool(published, wrench_of(), {"flange": flange})
    np.testing.assert_allclose(ours[:3], flange[:3, :3] @ published[:3], atol=1e-9)
    about_flange = ours[3:] - np.cross(flange[:3, 3], ours[:3])
    np.testing.assert_allclose(about_flange, flange[:3, :3] @ published[3:], atol=1e-9)


@given(wrenches, poses(), poses(), st.lists(floats, min_size=6, max_size=6).map(np.array))
def test_power_does_not_depend_on_where_it_is_seen(
    published: Floats, flange: Floats, base: Floats, twist: Floats
) -> None:
    """Force times velocity of the flange is force times velocity of the TCP, axes from a third frame."""
    ours = to_tool(published, wrench_of("flange", "base"), {"flange": flange, "base": base})
    velocity_at_flange = twist[:3] + np.cross(twist[3:], flange[:3, 3])
    turn = base[:3, :3]
    there = turn @ published[:3] @ velocity_at_flange + turn @ published[3:] @ twist[3:]
    assert ours[:3] @ twist[:3] + ours[3:] @ twist[3:] == pytest.approx(there, rel=1e-9, abs=1e-6)


def test_press_with_the_franka_sign_is_a_push_out_of_the_body() -> None:
    """The robot pushes +10 N along its z into the body: the body pushes the tool by -10 N along z."""
    franka = load_arm("franka_fr3").wrench
    assert franka is not None
    assert to_tool([0, 0, 10, 0, 0, 0], franka, {}).tolist() == [0, 0, -10, 0, 0, 0]


def test_nan_stays_nan() -> None:
    assert np.isnan(to_tool([np.nan, 0, 0, 0, 0, 0], wrench_of("tcp", "tcp"), {})[0])


def test_what_cannot_be_turned_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(3,\) is not allowed; \(6,\)"):
        to_tool([0.0, 0.0, 1.0], wrench_of("tcp", "tcp"), {})
    with pytest.raises(InputError, match="sign: unknown is not allowed"):
        to_tool(np.zeros(6), wrench_of("tcp", "tcp", "unknown"), {})
    with pytest.raises(InputError, match="pose of frame flange in the tool frame is missing"):
        to_tool(np.zeros(6), wrench_of("flange", "tcp"), {})


# Bad files.

JOINT = "{name: fr3_joint2, speed_deg_s: 150, torque_nm: 87}"
PROTECTED = ("    protects: false", "    protects: true")


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("  sign:", "  sing:"), "wrench.sing: this key is not allowed; did you mean sign?"),
        (("timeout_ms: 20", "timeout_s: 0.02"), "joint_states.timeout_s: .* the unit must be ms, not s"),
        (("sign: on_environment", "sign: environment"), "wrench.sign: environment .*; did you mean on_environment?"),
        (
            ("kind: estimated", "kind: guessed"),
            "wrench.kind: guessed is not allowed; one of estimated, sensor, none is",
        ),
        (("fr3_joint2", "fr3_joint1"), r"joints.chain\[1\].name: fr3_joint1 is not allowed; a name that no other"),
        (('  source: "franka_ros2 v2', '  # "franka_ros2 v2'), "key steps.source is missing; a text is expected"),
        (("rate_hz: 1000", "rate_hz: .nan"), "joint_states.rate_hz: .nan is not allowed; a finite number"),
        (("rate_hz: 1000", "rate_hz: -1"), "joint_states.rate_hz: -1 is not allowed; a finite number from 1 to 10000"),
        (("about: Franka", "about: 'Franka"), "is not YAML"),
        ((JOINT, "fr3_joint2"), r"joints.chain\[1\]: fr3_joint2 is not allowed; a mapping with the keys name, "),
        (("  torque_rate_nm_s: 1000", "  #"), r"commands\[1\].kind: effort is not allowed; it takes torque_rate_nm_s"),
        (("torque_nm: 12}", "}"), r"commands\[1\].kind: effort is not allowed; it takes torque_rate_nm_s and torque"),
        (PROTECTED, r"commands\[0\].protects: true is not allowed; it takes timeout_ms and an end other than repeats"),
        (("{level: 0}", "{level: 3}"), "verified.level: 3 is not allowed; above 0 it takes date"),
        (("{level: 0}", "{level: 6}"), "verified.level: 6 is not allowed; a whole number from 0 to 5"),
        (("{level: 0}", "{level: 0}\nsteps: {}"), "steps: a second value is not allowed"),
        (("do: action", "do: shout"), "do: shout is not allowed; one of service, action, switch_controllers, operator"),
        (("massage-arm/arm/1", "massage-arm/arm/2"), "schema: massage-arm/arm/2 is not allowed"),
    ],
)
def test_bad_file_is_told_with_its_line(changed: Callable[..., Path], pair: tuple[str, str], said: str) -> None:
    path = changed(pair)
    with pytest.raises(InputError, match=said) as caught:
        load_arm(path)
    assert re.match(rf"{re.escape(str(path))}:\d+: ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_line_is_the_one_of_the_mistake(changed: Callable[..., Path]) -> None:
    path = changed(("sign: on_environment", "sign: environment"))
    line = path.read_text(encoding="utf-8").splitlines().index("  sign: environment") + 1
    with pytest.raises(InputError, match=f":{line}: wrench.sign"):
        load_arm(path)


def test_verified_must_come_last(changed: Callable[..., Path]) -> None:
    """What a verification stands for is everything above its record."""
    path = changed(("name: franka_fr3\n", ""), ("{level: 0}", "{level: 0}\nname: franka_fr3"))
    with pytest.raises(InputError, match="verified: this place is not allowed; the last key of the file"):
        load_arm(path)


def test_unknown_name_suggests() -> None:
    with pytest.raises(InputError, match=r"'franka' is not known; .*; did you mean franka_fr3?"):
        load_arm("franka")
    with pytest.raises(InputError, match=r"nowhere.yaml: file not found"):
        load_arm("nowhere.yaml")


def test_the_command_says_why_no_arm_may_press_a_person_and_what_is_wrong_with_a_name() -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "massage_arm_ros.arms", *options], capture_output=True, text=True, timeout=60
        )

    shown = json.loads(run("--json").stdout)["arms"]
    assert [arm["name"] for arm in shown] == arm_names()
    assert all(arm["person"] and arm["phantom"] and arm["verified"] == 0 for arm in shown)
    assert "franka_fr3" in run("franka_fr3").stdout
    wrong = run("franca_fr3")
    assert wrong.returncode == 2 and "did you mean franka_fr3?" in wrong.stderr and "Traceback" not in wrong.stderr
