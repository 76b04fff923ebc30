"""The simulated person: equal to the readable model, and answering as the published figures say."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from massage_arm.native import InputError, Person, PersonConstants, Tissue, TissueLaw, person_constants
from massage_arm.native.reference import Place, ReferencePerson

TRAPEZIUS = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1000.0**1.5, threshold=300e3, trigger=1.0)
TIP_RADIUS, CONTACT_RADIUS = 0.012, 0.010
DT = 0.001


class Rig:
    """A tip of 12 mm that is driven into an upper trapezius with an active trigger point."""

    def __init__(self, law: TissueLaw = TRAPEZIUS, constants: PersonConstants | None = None) -> None:
        self.tissue = Tissue(np.zeros((8, 8)), 0.0, 0.0, 0.01, law)
        self.person = Person(constants, threshold=law.threshold, trigger=law.trigger)
        self.depth, self.force, self.area = 0.0, 0.0, 0.0
        self.beats: list[float] = []
        self.noise = np.random.default_rng(0)

    @property
    def pressure_kpa(self) -> float:
        return self.force / self.area * 1e-3

    def step(self, rate: float, effort: float = 0.0) -> float:
        person = self.person
        self.depth = max(0.0, self.depth + rate * DT)
        force, _ = self.tissue.step((0.035, 0.035, -self.depth), (0.0, 0.0, -rate), 0.0, 0.0, DT, person.tone_factor)
        self.force = float(force[2])
        self.area = np.pi * min(TIP_RADIUS * self.depth, CONTACT_RADIUS**2)
        before = person.release, person.softening
        noise = self.noise.standard_normal()
        if person.step(self.force, self.area, rate if self.depth > 0.0 else 0.0, effort, noise):
            self.beats.append(person.time)
        self.tissue.add_memory(person.release - before[0], person.softening - before[1])
        return self.force

    def hold(self, force: float, seconds: float) -> None:
        for _ in range(round(seconds / DT)):
            self.step(min(0.02, max(-0.02, 0.005 * (force - self.force))))

    def heart(self, begin: float, end: float) -> tuple[float, float]:
        """Mean beats per minute and RMSSD in ms."""
        beats = np.array(self.beats)
        intervals = np.diff(beats)[(beats[1:] > begin) & (beats[1:] <= end)]
        return 60.0 / float(intervals.mean()), 1e3 * float(np.sqrt(np.mean(np.diff(intervals) ** 2)))


def near(value: float) -> Any:
    return pytest.approx(value, rel=0.05)


def test_person_is_the_reference() -> None:
    rng = np.random.default_rng(1)
    ours, readable, place, beats = Person(threshold=300e3, trigger=0.7), ReferencePerson(PersonConstants()), None, []
    place = Place(300e3, 0.7)
    for k in range(30_000):
        t = k * DT
        force = max(0.0, 30.0 + 60.0 * np.sin(0.6 * t) + 5.0 * np.sin(20.0 * t))
        area = np.pi * min(0.012 * force / 2000.0, 1e-4)
        rate = 0.2 * np.sin(7.0 * t) * (k % 3000 < 300) + 0.01 * np.sin(t)
        given = (force, area, rate, 0.5 * (k > 15_000), rng.standard_normal())
        if k == 20_000:
            ours.startle()
            readable.startle()
        if ours.step(*given):
            beats.append(ours.time)
        readable.step(place, *given)
        for name in ("pain", "tone", "guard", "vagal", "arousal"):
            assert getattr(ours, name) == pytest.approx(getattr(readable, name), abs=1e-10)
        assert (ours.release, ours.softening) == pytest.approx((place.release, place.softening), abs=1e-11)
    assert beats == readable.beats


def test_held_tissue_relaxes_as_published() -> None:
    rig = Rig(TRAPEZIUS._replace(trigger=0.0))
    rig.step(0.008 / DT)
    rig.depth, first = 0.008, None
    for k in range(120_001):
        force = rig.tissue.step((0.035, 0.035, -0.008), (0.0, 0.0, 0.0), 0.0, 0.0, DT)[0][2]
        first = force if first is None else first
        for second, share in ((1, 0.855), (10, 0.77), (60, 0.73), (120, 0.71)):
            if k == second * 1000:
                assert force / first == near(share)


def test_a_good_press_releases_without_pain() -> None:
    rig = Rig()
    rig.hold(30.0, 5.0)
    assert rig.pressure_kpa == near(95.0)
    assert rig.person.share == near(0.74)
    rig.hold(30.0, 25.0)
    assert rig.person.release == near(0.32)
    rig.hold(30.0, 60.0)
    assert rig.person.release == near(0.54)
    assert rig.person.pain == 0.0
    assert rig.person.tone == near(0.02)
    rig.hold(30.0, 210.0)
    assert rig.person.softening == near(0.055)
    rig.hold(30.0, 300.0)
    assert rig.person.share == near(0.51)
    assert rig.person.release == near(0.75)


def test_fifteen_calm_minutes_slow_the_heart() -> None:
    rig = Rig()
    rig.hold(30.0, 900.0)
    assert rig.heart(105.0, 135.0)[0] == near(63.5)
    assert rig.heart(840.0, 900.0)[0] == near(61.8)
    assert rig.heart(600.0, 900.0)[1] == near(48.0)
    untouched = Rig()
    for _ in range(300_000):
        if untouched.person.step(0.0, 0.0, 0.0, 0.0, untouched.noise.standard_normal()):
            untouched.beats.append(untouched.person.time)
    rate, rmssd = untouched.heart(0.0, 300.0)
    assert rate == near(66.7)
    assert rmssd == near(38.0)


def test_a_jab_meets_a_reflex_and_a_slow_press_does_not() -> None:
    peaks, tones = {}, {}
    for speed in (0.2, 0.02):
        rig = Rig()
        forces = [rig.step(speed) for _ in range(round(0.015 / speed / DT))]
        tones[speed] = 0.0
        for _ in range(300):
            forces.append(rig.step(0.0))
            tones[speed] = max(tones[speed], rig.person.tone)
        peaks[speed] = max(forces)
    # 46 N and 0.28 where the first prototype of this model had 49 N and 0.23: see docs/person.md
    assert peaks[0.2] == near(46.0)
    assert tones[0.2] == near(0.284)
    assert peaks[0.02] == near(31.0)
    assert tones[0.02] == near(0.02)


def test_a_press_that_hurts_is_guarded_and_does_not_release() -> None:
    rig = Rig()
    for _ in range(120_000):
        rig.step(0.0)
    rig.hold(80.0, 30.0)
    assert rig.person.share == near(2.1)
    assert rig.person.pain == near(7.2)
    assert rig.person.tone == pytest.approx(0.93, abs=0.05)
    assert rig.person.release < 0.02
    while rig.depth > 0.0:
        rig.step(-0.02)
    for _ in range(60_000):
        rig.step(0.0)
    before, after = rig.heart(0.0, 120.0), rig.heart(120.0, 200.0)
    assert 3.0 < after[0] - before[0] < 7.0
    assert after[1] < 0.9 * before[1]


def test_own_effort_braces_the_muscle() -> None:
    rigs = Rig(), Rig()
    for rig, effort in zip(rigs, (0.0, 0.4), strict=True):
        for _ in range(2000):
            rig.step(0.01 if rig.depth < 0.008 else 0.0, effort)
    assert rigs[1].person.tone > rigs[0].person.tone + 0.1
    assert rigs[1].force > 1.2 * rigs[0].force


def test_one_who_does_not_respond_keeps_the_heart_rate() -> None:
    rig = Rig(constants=PersonConstants(vagal_gain=0.0, arousal_gain=0.0, swing_with_tone=0.0))
    rig.hold(30.0, 240.0)
    assert rig.heart(180.0, 240.0)[0] == pytest.approx(rig.heart(0.0, 60.0)[0], rel=0.01)


def test_a_step_allocates_nothing() -> None:
    person = Person()

    def blocks(steps: int) -> int:
        before = sys.getallocatedblocks()
        for _ in range(steps):
            person.step(30.0, 1e-4, 0.01)
        return sys.getallocatedblocks() - before

    blocks(100)
    assert blocks(10_000) == blocks(1_000)


def test_constants_stand_in_the_same_order_in_the_struct_and_the_dataclass() -> None:
    text = Path(person_constants.__file__).resolve().with_name("person.pxd").read_text(encoding="utf-8")
    struct = text.split("cdef struct PersonConstants:")[1].split("\n\n")[0].splitlines()[1:]
    assert [line.split()[1] for line in struct] == [field.name for field in fields(PersonConstants)]


def test_constants_refuse_what_is_no_amount() -> None:
    with pytest.raises(InputError, match="pain_rise_time = 0"):
        PersonConstants(pain_rise_time=0.0)
    for field in fields(PersonConstants):
        with pytest.raises(InputError, match=field.name):
            PersonConstants(**{field.name: float("nan")})
    with pytest.raises(ValueError, match="arousal_delay"):
        Person(PersonConstants(arousal_delay=60.0))
