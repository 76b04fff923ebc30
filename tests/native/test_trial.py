"""Pressing without an arm is the same tissue and the same person, step by step."""

import numpy as np
import pytest
from massage_arm.native import TOUCH_FIELDS, Person, Tissue, TissueLaw, press_with

LAW = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1000.0**1.5, threshold=300e3, trigger=1.0)
TIP_RADIUS, CONTACT_RADIUS, DT = 0.012, 0.010, 0.001
BREATH, BREATH_RATE = 0.002, 1.6
FLAT = (np.zeros((12, 12)), 0.0, 0.0, 0.01)
PLACE = (0.052, 0.047)


def one_by_one(force: np.ndarray, own_tone: np.ndarray, noise: np.ndarray) -> dict[str, float]:
    """The end of the same press, from the steps of Tissue and Person."""
    tissue, person = Tissue(*FLAT, LAW), Person(threshold=LAW.threshold, trigger=LAW.trigger)
    z, vz, bulge, pressed, depth, beats = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for k in range(len(force)):
        lift = BREATH * np.sin(BREATH_RATE * k * DT) + person.bulge
        lift_rate = BREATH * BREATH_RATE * np.cos(BREATH_RATE * k * DT) + (person.bulge - bulge) / DT
        bulge = person.bulge
        on_tip, depth = tissue.step((*PLACE, z), (0.0, 0.0, vz), lift, lift_rate, DT, person.tone_factor)
        pressed = float(on_tip[2])
        area = np.pi * min(TIP_RADIUS * depth, CONTACT_RADIUS**2) if depth > 0.0 else 0.0
        before = person.release, person.softening
        beats += person.step(pressed, area, lift_rate - vz, own_tone[k], noise[k])
        tissue.add_memory(person.release - before[0], person.softening - before[1])
        vz = BREATH * BREATH_RATE * np.cos(BREATH_RATE * k * DT) - min(0.05, max(-0.05, (force[k] - pressed) / 500.0))
        z += vz * DT
    return {"force": pressed, "depth": depth, "pain": person.pain, "tone": person.tone,
            "release": person.release, "softening": person.softening, "beats": beats}  # fmt: skip


def pressing(seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = round(seconds / DT)
    force = np.interp(np.arange(count) * DT, [0.0, 4.0, seconds], [0.0, 45.0, 35.0])
    own_tone = 0.3 * (np.arange(count) > count // 2)
    return force, own_tone, np.random.default_rng(3).standard_normal(count)


def test_press_is_the_steps_of_tissue_and_person() -> None:
    given = pressing(12.0)
    rows = press_with(
        Tissue(*FLAT, LAW), Person(), PLACE, *given,
        tip_radius=TIP_RADIUS, contact_radius=CONTACT_RADIUS, breath=BREATH, breath_rate=BREATH_RATE,
    )  # fmt: skip
    assert rows.shape == (1200, len(TOUCH_FIELDS))
    end = dict(zip(TOUCH_FIELDS, rows[-1], strict=True))
    for name, value in one_by_one(*given).items():
        assert end[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert end["release"] > 0.05 and end["pain"] > 0.2, "a press that does nothing compares nothing"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"own_tone": np.zeros(3)}, "own_tone of 3"),
        ({"noise": np.full(1000, np.nan)}, "finite numbers"),
        ({"force": np.full(1000, np.inf)}, "finite numbers"),
        ({"every": 0}, "above 0"),
        ({"damping": -1.0}, "damping"),
    ],
)  # fmt: skip
def test_what_cannot_be_pressed_is_refused(change: dict[str, object], said: str) -> None:
    given = {"force": np.zeros(1000), "own_tone": np.zeros(1000), "noise": np.zeros(1000)} | change
    with pytest.raises(ValueError, match=said):
        press_with(Tissue(*FLAT, LAW), Person(), PLACE, tip_radius=0.012, contact_radius=0.01, **given)
