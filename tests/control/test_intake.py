"""The gate before a session: who may not be pressed is not, and a form that does not say so clearly is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control import intake as intake_module
from massage_arm.control.intake import (
    QUESTIONS,
    Intake,
    intake_form,
    load_checklist,
    load_intake,
    ruled_out,
    share_of_cap,
)
from massage_arm.control.sites import REGIONS, load_sites
from massage_arm.native import InputError

NOW = datetime(2026, 11, 26, 10, 30, 20)
FILLED = {"filled_on": "2026-11-26T10:00", "consent": "true", "age_years": "44", **dict.fromkeys(QUESTIONS, "false")}
Form = Callable[..., Path]


@pytest.fixture
def form(tmp_path: Path) -> Form:
    """The printed form with its values filled in; `None` takes a line out."""

    def write(**values: str | None) -> Path:
        text = intake_form()
        for key, value in {**FILLED, **values}.items():
            assert text.count(f"{key}:\n") == 1
            text = text.replace(f"{key}:\n", "" if value is None else f"{key}: {value}\n").replace("\n  \n", "\n")
        path = tmp_path / "intake.yaml"
        path.write_text(text)
        return path

    return write


def answered(*yes: str) -> Intake:
    return Intake(NOW, 44, MappingProxyType({name: name in yes for name in QUESTIONS}))


def line_of(path: Path, words: str) -> int:
    return next(k for k, line in enumerate(path.read_text().splitlines(), 1) if line.strip().startswith(words))


def test_a_healthy_adult_who_agrees_may_be_pressed_everywhere_at_every_cap(form: Form) -> None:
    intake = load_intake(form(), NOW)
    assert (intake.age_years, intake.filled_on) == (44, datetime(2026, 11, 26, 10))
    assert ruled_out(intake, load_sites()) == []
    assert share_of_cap(intake) == 1.0


def test_an_empty_form_asks_every_question_and_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(intake_form())
    asked = " ".join(intake_form().replace("#", " ").split())
    for question in load_checklist().values():
        assert question.question in asked
    with pytest.raises(InputError, match=r"empty\.yaml:\d+: filled_on: '' is not allowed"):
        load_intake(path, NOW)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("answer", [None, "", "no", "maybe", "0", "'false'", "False"])
def test_a_question_without_a_clear_answer_refuses(form: Form, name: str, answer: str | None) -> None:
    with pytest.raises(InputError, match=rf"answers\.{name} is missing|answers\.{name}: .* is not allowed") as error:
        load_intake(form(**{name: answer}), NOW)
    assert "intake.yaml:" in str(error.value) and "true or false" in str(error.value)


REFUSED = {
    "no consent": ("consent", "false", "consent: false is not allowed; true (nobody is pressed who has not agreed)"),
    "no word of consent": ("consent", "yes", "consent: yes is not allowed"),
    "under age": ("age_years", "17", "age_years: 17 is not allowed; a whole number from 18 to 120"),
    "too old to be true": ("age_years", "440", "age_years: 440 is not allowed"),
    "age in words": ("age_years", "adult", "age_years: adult is not allowed"),
    "part of a year": ("age_years", "18.5", "age_years: 18.5 is not allowed"),
    "old": ("filled_on", "2026-11-25T10:30", "filled_on: 2026-11-25T10:30 is not allowed; a time such as"),
    "of the future": ("filled_on", "2026-11-26T10:31", "filled_on: 2026-11-26T10:31 is not allowed"),
    "a day only": ("filled_on", "2026-11-26", "filled_on: 2026-11-26 is not allowed"),
    "no such day": ("filled_on", "2026-02-30T10:00", "filled_on: 2026-02-30T10:00 is not allowed"),
    "in quotes": ("filled_on", "'2026-11-26T10:00'", "filled_on: '2026-11-26T10:00' is not allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_hold_is_refused_with_file_line_and_what_is_allowed(form: Form, name: str) -> None:
    key, value, said = REFUSED[name]
    path = form(**{key: value})
    with pytest.raises(InputError) as error:
        load_intake(path, NOW)
    assert str(error.value).startswith(f"{path}:{line_of(path, key)}: {said}")


@pytest.mark.parametrize("hours", [0.0, 1.0, 23.9])
def test_a_form_holds_for_a_day(form: Form, hours: float) -> None:
    load_intake(form(), datetime(2026, 11, 26, 10) + timedelta(hours=hours))
    with pytest.raises(InputError, match="a form holds for 24 hours"):
        load_intake(form(), datetime(2026, 11, 26, 10) + timedelta(hours=24.1 + hours))


def test_a_question_that_nobody_asked_is_refused(form: Form) -> None:
    path = form()
    path.write_text(path.read_text().replace("pregnancy:", "pregnacy:"))
    with pytest.raises(InputError, match=r"answers\.pregnacy: this key is not allowed; did you mean pregnancy"):
        load_intake(path, NOW)


def test_every_question_rules_something_out_and_has_words_and_a_source() -> None:
    for name, question in load_checklist().items():
        assert question.id == name
        assert question.question.endswith("?") and question.why and question.source
        assert sum([question.session, bool(question.regions), question.share_of_cap < 1.0]) == 1
        reasons = ruled_out(answered(name), load_sites())
        assert share_of_cap(answered(name)) == question.share_of_cap
        assert bool(reasons) == (question.share_of_cap == 1.0)
        assert all(question.why in reason and name in reason for reason in reasons)


NAMED = ["blood_clot", "blood_thinners", "osteoporosis", "fracture_or_surgery", "fever_or_infection", "cancer",
         "pregnancy", "implanted_device", "numbness", "cannot_lie_prone", "heart_disease"]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_what_forbids_massage_rules_out_the_session_wherever_it_is(name: str) -> None:
    for site in load_sites():
        assert ruled_out(answered(name), [site])[0].startswith("the whole session: ")


def test_what_concerns_a_region_rules_out_its_sites_on_both_sides_and_no_others() -> None:
    sore = answered("lymph_nodes")
    out = {site for site in load_sites() if ruled_out(sore, [site])}
    assert out == {
        f"{r}_{side}" for r in ("posterior_neck", "levator", "upper_trapezius") for side in ("left", "right")
    }
    reasons = ruled_out(sore, ["gluteal_left", "levator_left", "levator_right", "posterior_neck_left"])
    assert len(reasons) == 1 and reasons[0].startswith("levator, posterior_neck: nodes")


def test_the_questions_about_the_skin_leave_no_region_out() -> None:
    asked = {r for name, q in load_checklist().items() if name.startswith("skin_") for r in q.regions}
    assert asked == set(REGIONS)


def test_a_site_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean levator_left"):
        ruled_out(answered(), ["levator_lef"])


@given(st.sets(st.sampled_from(QUESTIONS)), st.sampled_from(QUESTIONS))
def test_one_more_yes_never_allows_more(yes: set[str], more: str) -> None:
    some, all_of_them = answered(*yes), answered(*yes, more)
    assert set(ruled_out(some, load_sites())) <= set(ruled_out(all_of_them, load_sites()))
    assert 0.0 < share_of_cap(all_of_them) <= share_of_cap(some) <= 1.0


def test_an_answer_that_somebody_forgot_in_code_counts_as_yes() -> None:
    assert len(ruled_out(Intake(NOW, 44, {}), load_sites())) == sum(
        q.share_of_cap == 1.0 for q in load_checklist().values()
    )
    assert share_of_cap(Intake(NOW, 44, {})) < 1.0


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        (
            "posterior_neck, levator, upper",
            "posterior_neck, elbow, upper",
            "'elbow' is not allowed; session, pressure, or",
        ),
        ("rules_out: pressure", "rules_out: session", "pain_dulled.share_of_cap: is for `rules_out: pressure`"),
        ("  share_of_cap: 0.5\n", "", "pain_dulled.share_of_cap: is for `rules_out: pressure`, and needed"),
        ("share_of_cap: 0.5", "share_of_cap: 1.5", "share_of_cap: 1.5 is not allowed"),
    ],
)
def test_a_checklist_that_makes_no_sense_is_refused(tmp_path: Path, was: str, is_now: str, said: str) -> None:
    text = intake_module.CHECKLIST_FILE.read_text()
    assert was in text
    path = tmp_path / "checklist.yaml"
    path.write_text(text.replace(was, is_now))
    with pytest.raises(InputError) as error:
        intake_module._load(path)
    assert said in str(error.value)
