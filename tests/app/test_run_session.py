"""A session from the command line: run, reported, replayed; and the form that a person filled in before it."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from massage_arm.control.intake import QUESTIONS

Command = Callable[..., tuple[int, str, str]]

SESSION = """
schema: massage-arm/session/1
name: Short
about: two strokes at one place
tool: ball
source: assumption
steps:
  - {do: stroke, stroke: static_hold, site: lumbar_erector_right, seconds: 4, force_n: 12}
  - {do: rest, seconds: 1}
  - {do: stroke, stroke: petrissage, site: lumbar_erector_right, seconds: 4}
"""


@pytest.fixture
def session(command: Command) -> str:
    Path("short.yaml").write_text(SESSION)
    return "short.yaml"


def fill_in(command: Command, *yes: str) -> None:
    """Write `mine.yaml`: the printed form, filled in."""
    _, text, _ = command("intake")
    filled = {"filled_on": f"{datetime.now():%Y-%m-%dT%H:%M}", "consent": "true", "age_years": "44"}
    filled |= {name: str(name in yes).lower() for name in QUESTIONS}
    for key, value in filled.items():
        text = text.replace(f"{key}:\n", f"{key}: {value}\n")
    Path("mine.yaml").write_text(text)


def test_a_session_runs_reports_and_replays(command: Command, session: str) -> None:
    code, out, err = command("run", session, "--out", "run", "--ask", "more@6", "--json", "--quiet")
    assert code == 0, err
    told = json.loads(out)
    assert told["causes"] == []
    assert [word in told["told"] for word in ("static hold", "rest", "petrissage", "more")] == [True] * 4
    page = Path("run/report.html").read_text()
    assert "Short" in page and "petrissage" in page
    assert command("replay", "run", "--quiet")[0] == 0


def test_what_only_a_press_takes_is_refused(command: Command, session: str) -> None:
    code, _, err = command("run", session, "--force", "20")
    assert code == 2
    assert "--force: is not allowed for short; only a press takes it" in err


def test_a_form_that_rules_it_out_ends_it_before_it_begins(command: Command, session: str) -> None:
    fill_in(command, "fever_or_infection")
    code, _, err = command("run", session, "--intake", "mine.yaml", "--out", "run")
    assert code == 2
    assert "mine.yaml: rules out short: the whole session" in err
    assert not Path("run").exists()


def test_a_form_lowers_the_caps(command: Command, session: str) -> None:
    Path(session).write_text(SESSION.replace("force_n: 12", "force_n: 40"))
    fill_in(command, "pain_dulled")
    code, _, err = command("run", session, "--intake", "mine.yaml", "--out", "run")
    assert code == 2
    assert "short.yaml:8: steps[0]: 40.0 N at its most is not allowed" in err
    assert "as the answers of the intake leave it" in err
