"""The population: the same people every time, spread as the sources say, each with flesh of their own."""

import json
import subprocess
import sys

import numpy as np
import pytest
from massage_arm.control.body import body_names, builds, load_body
from massage_arm.native import InputError, PersonConstants, cell_places
from massage_arm.sim.flesh import CELL, flesh, friction_after, site_law
from massage_arm.sim.people import SITES, Recipient, draw_people, draw_person, find_person

TELL = "import sys, json; from massage_arm.sim.people import draw_people;"
TELL += "from massage_arm.sim.flesh import flesh; from massage_arm.control.body import load_body;"
TELL += "people = draw_people(20, 7); print(json.dumps([p.record() for p in people]));"
TELL += "print(flesh(load_body(people[3].body), people[3]).law.tobytes().hex())"


@pytest.fixture(scope="module")
def crowd() -> list[Recipient]:
    return draw_people(1000, 1)


def test_the_same_person_in_two_processes_is_the_same_to_the_byte() -> None:
    first, second = (
        subprocess.run([sys.executable, "-c", TELL], check=True, capture_output=True).stdout for _ in range(2)
    )
    assert first == second
    assert len(json.loads(first.splitlines()[0])) == 20


def test_a_person_does_not_depend_on_how_many_are_drawn(crowd: list[Recipient]) -> None:
    assert draw_person(1, 17).record() == crowd[17].record() == find_person("1/17").record()
    assert draw_person(2, 17).record() != crowd[17].record()


def test_people_differ_as_the_sources_say(crowd: list[Recipient]) -> None:
    def spread(values: list[float]) -> float:
        return float(np.std(values) / np.mean(values))

    def of(sex: str) -> list[Recipient]:
        return [person for person in crowd if builds()[person.body].sex == sex]

    site = "infraspinatus_left"
    women, men = of("female"), of("male")
    assert 0.19 < spread([p.stiffness[site] for p in women]) < 0.25  # 19 % between people and 10 % between places
    assert np.mean([p.stiffness[site] for p in women]) == pytest.approx(0.91, abs=0.04)
    assert np.mean([p.stiffness[site] for p in men]) == pytest.approx(1.09, abs=0.04)
    assert 0.30 < spread([p.threshold[site] for p in men]) < 0.45
    assert np.mean([p.threshold[site] for p in women]) < np.mean([p.threshold[site] for p in men])
    assert np.mean([p.trigger["upper_trapezius_left"] for p in crowd]) == pytest.approx(0.35, abs=0.05)
    assert np.mean([p.constants.vagal_gain == 0.0 for p in crowd]) == pytest.approx(0.2, abs=0.04)
    assert np.mean([p.constants.interval for p in crowd]) == pytest.approx(PersonConstants().interval, rel=0.02)
    sides = [p.stiffness["interscapular_left"] / p.stiffness["interscapular_right"] for p in crowd]
    assert 0.10 < np.std(np.log(sides)) < 0.18  # two sides differ by 10 to 14 %
    assert {p.body for p in crowd} == set(body_names()) - {"average"}


@pytest.mark.parametrize("name", ["1/", "/1", "-1/2", "1/-2", "1/2/3", "avrage", "", "man_41"])
def test_nobody_of_that_name(name: str) -> None:
    with pytest.raises(InputError, match=r"person: .* is not known"):
        find_person(name)


def test_a_slip_of_the_pen_is_named() -> None:
    with pytest.raises(InputError, match="did you mean man_41_average"):
        find_person("man_41_avrage")


def test_every_site_has_its_own_constants() -> None:
    person = draw_person(1, 3)
    body = load_body(person.body)
    law = flesh(body, person).law
    for name in SITES:
        cell = law[*cell_at(body, body.sites[name].position[:2])]
        assert cell[:2] == pytest.approx(site_law(name, person)[:2]), name
        assert cell[4:] == pytest.approx(site_law(name, person)[4:]), name


def test_bone_is_near_the_skin_over_the_spine_and_only_there() -> None:
    body, person = load_body("man_41_average"), find_person("man_41_average")
    law = flesh(body, person).law
    middle = body.keep_out["spinous_processes_left"].mean(axis=0)
    assert law[*cell_at(body, middle)][2] == pytest.approx(5e-3)
    assert law[*cell_at(body, body.sites["lumbar_erector_left"].position[:2])][2] > 0.015


def cell_at(body, place) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    surface = body.height_field
    x, y = cell_places(surface.coefficients.shape, surface.x0, surface.y0, surface.spacing, CELL)
    return int(np.argmin(np.abs(x - place[0]))), int(np.argmin(np.abs(y - place[1])))


def test_lotion_goes_in_and_drags() -> None:
    assert friction_after("oil", 0.0) == friction_after("oil", 600.0) == 0.10
    assert friction_after("lotion", 0.0) == 0.10
    assert friction_after("lotion", 150.0) == pytest.approx(0.275)
    assert friction_after("lotion", 900.0) == pytest.approx(0.45)
    assert friction_after("dry", 10.0) == 0.36
