"""The form before a session as a user meets it: printed, filled in, checked."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from massage_arm.control.intake import QUESTIONS
from massage_arm.control.sites import load_sites

Command = Callable[..., tuple[int, str, str]]


def fill_in(command: Command, *yes: str, **values: str) -> None:
    """Write `mine.yaml`: the printed form, filled in."""
    code, text, err = command("intake")
    assert (code, err) == (0, "")
    filled = {"filled_on": f"{datetime.now() - timedelta(minutes=2):%Y-%m-%dT%H:%M}", "consent": "true"}
    filled |= {"age_years": "44", **{name: str(name in yes).lower() for name in QUESTIONS}, **values}
    for key, value in filled.items():
        text = text.replace(f"{key}:\n", f"{key}: {value}\n")
    Path("mine.yaml").write_text(text)


def test_who_may_be_pressed_is_told_where(command: Command) -> None:
    fill_in(command)
    code, out, err = command("intake", "mine.yaml")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"may be pressed: {', '.join(load_sites())}", "with at most 100 % of every cap"]


def test_the_session_that_is_ruled_out_says_why(command: Command) -> None:
    fill_in(command, "fever_or_infection")
    code, out, err = command("intake", "mine.yaml")
    assert (code, err) == (1, "")
    assert out.startswith("ruled out: the whole session: a body that fights an infection")
    assert out.endswith("nothing may be pressed\n")


def test_a_region_that_is_ruled_out_stops_who_asks_for_it_and_no_others(command: Command) -> None:
    fill_in(command, "lymph_nodes", "pain_dulled")
    code, out, _ = command("intake", "mine.yaml")
    assert code == 0 and "gluteal_right" in out and "levator_left" not in out and "at most 50 %" in out
    assert command("intake", "mine.yaml", "--site", "gluteal_right")[0] == 0
    code, out, _ = command("intake", "mine.yaml", "--site", "gluteal_right", "--site", "levator_left")
    assert code == 1 and out.startswith("ruled out: levator: nodes")
    code, out, _ = command("intake", "mine.yaml", "--site", "levator_left", "--json")
    shown = json.loads(out)
    assert code == 1
    assert shown["may_be_pressed"] is False and shown["sites"] == [] and shown["share_of_cap"] == 0.5
    assert len(shown["ruled_out"]) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"consent": "false"}, "consent: false is not allowed; true"),
        ({"age_years": "16"}, "age_years: 16 is not allowed"),
        ({"cancer": ""}, "answers.cancer: '' is not allowed; true or false is"),
        ({"filled_on": "2020-01-01T08:00"}, "filled_on: 2020-01-01T08:00 is not allowed"),
    ],
)
def test_a_form_that_does_not_hold_is_one_line(command: Command, values: dict[str, str], said: str) -> None:
    fill_in(command, **values)
    code, out, err = command("intake", "mine.yaml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: mine.yaml:") and said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("gone.yaml",), "gone.yaml: file not found"), (("mine.yaml", "--site", "knee"), "site: 'knee' is not known")],
)
def test_slips_are_named(command: Command, arguments: tuple[str, ...], said: str) -> None:
    fill_in(command)
    code, out, err = command("intake", *arguments)
    assert (code, out) == (2, "") and said in err
