"""The gate before a session: consent, age, and what a person's own answers rule out (questions: `intake.yaml`).

A form is a file of the person (`massage-arm/intake/1`). It can only rule out and lower; nothing in it allows more than
the limits do. An answer that is missing refuses the form, and so does a form older than a day.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

from ..native.errors import InputError
from .sites import REGIONS, find_site
from .yaml_file import Field, read_yaml

CHECKLIST_FILE = Path(__file__).with_name("intake.yaml")
QUESTIONS = (
    "blood_clot", "blood_thinners", "heart_disease", "osteoporosis", "fracture_or_surgery", "fever_or_infection",
    "cancer", "pregnancy", "implanted_device", "numbness", "cannot_lie_prone", "lymph_nodes",
    "skin_of_neck_and_shoulders", "skin_of_upper_back", "skin_of_lower_back_and_buttocks",
    "metal_in_neck_and_shoulders", "metal_in_back_and_hips", "pain_dulled",
)  # fmt: skip
VALID = timedelta(hours=24)
"""How old a form may be; assumption: fever, skin, painkillers are of the day."""
LEAST_AGE, _OLDEST = 18, 120
"""Years. Under age: a common contraindication, and who cannot consent cannot fill this in. Above: a slip of the pen."""
SCHEMA = "massage-arm/intake/1"
_SESSION, _PRESSURE = "session", "pressure"


@dataclass(frozen=True)
class Question:
    """One question; a yes rules something out."""

    id: str
    question: str
    why: str
    source: str
    session: bool
    """A yes rules out the whole session."""
    regions: tuple[str, ...]
    """Regions that a yes rules out (`REGIONS` of `sites.py`)."""
    share_of_cap: float
    """What a yes leaves of every cap on force and pressure, above 0 to 1."""


@dataclass(frozen=True)
class Intake:
    """The answers of a person who has consented and is of age."""

    filled_on: datetime
    """Local time, without a zone."""
    age_years: int
    answers: Mapping[str, bool]
    """By `QUESTIONS`, all of them."""


def load_checklist() -> MappingProxyType[str, Question]:
    """All questions by id, in the order in which they are asked; read-only."""
    return _load(CHECKLIST_FILE)


@cache
def _load(path: Path) -> MappingProxyType[str, Question]:
    texts = {key: Field(str) for key in ("question", "why", "rules_out", "source")}
    share = Field(float, minimum=0.01, maximum=0.99, required=False)
    fields = {**texts, "share_of_cap": share}
    entries = read_yaml(path, "massage-arm/checklist/1", {name: fields for name in QUESTIONS})
    return MappingProxyType({name: _question(path, name, **entry) for name, entry in entries.items()})


def _question(
    path: Path, name: str, question: str, why: str, rules_out: str, source: str, share_of_cap: float | None
) -> Question:
    regions = () if rules_out in (_SESSION, _PRESSURE) else tuple(word.strip() for word in rules_out.split(","))
    for region in regions:
        if region not in REGIONS:
            allowed = f"{_SESSION}, {_PRESSURE}, or of {', '.join(REGIONS)} one or more with commas between"
            raise InputError(f"{path}: {name}.rules_out: {region!r} is not allowed; {allowed} are")
    if (rules_out == _PRESSURE) != (share_of_cap is not None):
        raise InputError(f"{path}: {name}.share_of_cap: is for `rules_out: {_PRESSURE}`, and needed there")
    share = 1.0 if share_of_cap is None else share_of_cap
    return Question(name, question, why, source, rules_out == _SESSION, regions, share)


def load_intake(path: Path, now: datetime) -> Intake:
    """The form in a file, filled in within the 24 h before `now` (local time, without a zone).

    Raises InputError (file, line, key, value, what is allowed) without consent, under age, for an answer that is
    missing or neither true nor false, for a question that is not known, and for a form that is old or of the future.
    """
    values = read_yaml(
        path,
        SCHEMA,
        {
            "filled_on": Field(datetime, now - VALID, now, note="a form holds for 24 hours; fill in a new one"),
            "consent": Field(bool, choices=(True,), note="nobody is pressed who has not agreed"),
            "age_years": Field(int, LEAST_AGE, _OLDEST, note="of age"),
            "answers": dict.fromkeys(QUESTIONS, Field(bool)),
        },
    )
    return Intake(values["filled_on"], values["age_years"], MappingProxyType(values["answers"]))


def ruled_out(intake: Intake, sites: Iterable[str]) -> list[str]:
    """Why these sites, such as `levator_left`, may not be pressed, in words; empty: nothing speaks against it.

    Raises InputError for a site that is not known.
    """
    asked = dict.fromkeys(find_site(site).region for site in sites)
    reasons = []
    for question in _yes(intake):
        touched = [region for region in asked if region in question.regions]
        if question.session:
            reasons.append(f"the whole session: {question.why} ({question.id})")
        elif touched:
            reasons.append(f"{', '.join(touched)}: {question.why} ({question.id})")
    return reasons


def share_of_cap(intake: Intake) -> float:
    """What the answers leave of every cap on force and pressure: the smallest share, above 0 to 1."""
    return min((question.share_of_cap for question in _yes(intake)), default=1.0)


def _yes(intake: Intake) -> list[Question]:
    """The questions answered with yes. One without an answer counts as yes."""
    return [question for name, question in load_checklist().items() if intake.answers.get(name, True)]


def intake_form() -> str:
    """An empty form as YAML, the questions as comments; it is refused until every value is filled in."""
    lines = [
        "# To be filled in by the person who will lie there, on the day.",
        "# Answer with true (yes) or false (no), true if you do not know. This list was not checked by a clinician.",
        f"schema: {SCHEMA}",
        "",
        "# Today and now, such as 2026-11-26T10:00",
        "filled_on:",
        "",
        "# I know that an arm is going to press my back, I know how to stop it, and I want it: true",
        "consent:",
        "",
        f"# {LEAST_AGE} or more",
        "age_years:",
        "",
        "answers:",
    ]
    for name, question in load_checklist().items():
        words = textwrap.wrap(question.question, 110, initial_indent="  # ", subsequent_indent="  # ")
        lines += [*words, f"  {name}:", ""]
    return "\n".join(lines)
