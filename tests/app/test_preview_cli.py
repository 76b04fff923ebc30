"""The preview of a session as a user meets it: table, JSON, page, exit codes, and what is refused."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from massage_arm.control.intake import QUESTIONS

Command = Callable[..., tuple[int, str, str]]
HEAD = "schema: massage-arm/session/1\nname: Try\nabout: a <short> one\ntool: ball\nsource: assumption\nsteps:\n"
GLIDE = "  - {do: stroke, stroke: effleurage_light, site: thoracic_erector_right, seconds: 6}\n"
KNEAD = "  - {do: stroke, stroke: petrissage, site: lumbar_erector_right, seconds: 5}\n"
REST = "  - {do: rest, seconds: 2}\n"
ROLL = "  - {do: stroke, stroke: rolling, site: gluteal_right, seconds: 5, force_n: 25, swing_hz: 5}\n"
TOO_HARD = "  - {do: stroke, stroke: compression, site: upper_trapezius_right, seconds: 20, force_n: 60}\n"
LINK = """<link name="{0}"><inertial><mass value="1"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/>
</inertial></link>"""
JOINT = """<joint name="joint_{0}" type="revolute"><parent link="{1}"/><child link="{2}"/><origin xyz="0 0 {3}"/>
<axis xyz="{4}"/><limit lower="-2" upper="2" velocity="2" effort="{5}"/></joint>"""


def write_session(*steps: str) -> Path:
    path = Path("try.yaml")
    path.write_text(HEAD + "".join(steps))
    return path


def write_arm(length: float, effort: float) -> None:
    """A chain of six joints about z, y, y, z, y, z."""
    names = ["base", *(f"link_{k}" for k in range(5)), "flange"]
    axes = ("0 0 1", "0 1 0", "0 1 0", "0 0 1", "0 1 0", "0 0 1")
    joints = "".join(JOINT.format(k, names[k], names[k + 1], length, axis, effort) for k, axis in enumerate(axes))
    Path("arm.urdf").write_text(f'<robot name="own">{"".join(LINK.format(n) for n in names)}{joints}</robot>')


def write_intake(**yes: bool) -> None:
    answers = "".join(f"  {name}: {str(yes.get(name, False)).lower()}\n" for name in QUESTIONS)
    Path("form.yaml").write_text(
        f"schema: massage-arm/intake/1\nfilled_on: {datetime.now():%Y-%m-%dT%H:%M}\nconsent: true\nage_years: 40\n"
        f"answers:\n{answers}"
    )


def test_a_session_that_fits(command: Command) -> None:
    code, out, err = command("preview", write_session(GLIDE, REST, KNEAD))
    assert (code, err) == (0, "")
    assert "exceeds" not in out and "effleurage light" in out and "rest, 2 s" in out
    assert "45 %" in out, "27 N of 60 N"
    page = Path("preview.html").read_text()
    assert "Nothing in it exceeds" in page and "a &lt;short&gt; one" in page
    assert page.count("data:image/png;base64,") == 2 and "://" not in page.split("<body>")[1]


def test_as_json(command: Command) -> None:
    code, out, _ = command(
        "preview", write_session(GLIDE, REST, KNEAD), "--arm", "panda", "--out", "look.html", "--json"
    )
    shown = json.loads(out)
    assert code == 0 and shown["exceeded"] == [] and shown["page"] == "look.html" and Path("look.html").is_file()
    assert (shown["session"], shown["arm"], shown["tool"], shown["person"]) == ("Try", "panda", "ball", "average")
    assert len(shown["stand_m"]) == 3 and 15.0 < shown["seconds"] < 40.0
    glide, rest, knead = shown["jobs"]
    assert [job["number"] for job in shown["jobs"]] == [1, 2, 3]
    assert rest["arm"] is None and rest["swing"] is None
    assert glide["cap_n"] == 60.0 and glide["cap_name"] == "soft cap" and 0.1 < glide["cap_share"] < 0.15
    assert glide["swing"] is None and glide["arm"]["swing_holds_hz"] is None
    assert knead["swing"]["rate_hz"] == 1.0 and knead["arm"]["swing_holds_hz"] > 1.0 and knead["arm"]["swing_bound_by"]
    for job in (glide, knead):
        assert job["arm"]["missed"] == 0.0 and job["arm"]["margin_deg"] > 5.0 and job["arm"]["angle_deg"] < 0.1
        assert 0.0 < job["arm"]["torque_share"] < 1.0 and job["arm"]["torque_joint"].startswith("panda_joint")
        assert job["end_s"] > job["begin_s"] > 0.0 and job["largest_kpa"] > job["mean_kpa"] > 0.0
    given = sum(job["mean_n"] * (job["end_s"] - job["begin_s"]) for job in (glide, knead))
    assert abs(shown["dose"]["total_n_s"] - given) < 1e-6 * given


def test_a_swing_that_the_arm_cannot_hold_is_named_with_one_that_it_can(command: Command) -> None:
    code, out, _ = command("preview", write_session(GLIDE, ROLL))
    assert code == 1
    assert "exceeds: Job 2: 5 Hz at 25 ± 20 N is beyond iiwa14 at gluteal_right; " in out and "Hz holds (" in out
    assert "Job 2: 5 Hz" in Path("preview.html").read_text()


def test_a_force_above_a_cap_is_named_and_the_rest_is_shown(command: Command) -> None:
    code, out, _ = command("preview", write_session(GLIDE, TOO_HARD, KNEAD), "--json")
    shown = json.loads(out)
    assert code == 1
    (named,) = shown["exceeded"]
    assert (named["job"], named["kind"]) == (2, "refused") and "at most 45 N is" in named["what"]
    assert [job["end_s"] > job["begin_s"] for job in shown["jobs"]] == [True, False, True]


def test_an_arm_that_does_not_reach(command: Command) -> None:
    write_arm(0.12, 90.0)
    code, out, _ = command("preview", write_session(GLIDE), "--arm", "arm.urdf", "--tip", "flange", "--json")
    shown = json.loads(out)
    assert code == 1 and [named["kind"] for named in shown["exceeded"]] == ["reach"]
    assert shown["jobs"][0]["arm"]["missed"] == 1.0 and shown["jobs"][0]["arm"]["torque_share"] is None


def test_an_arm_that_is_too_weak(command: Command) -> None:
    write_arm(0.24, 6.0)
    code, out, _ = command("preview", write_session(KNEAD), "--arm", "arm.urdf", "--tip", "flange")
    assert code == 1 and "of the torque limit of joint_" in out


def test_own_limits_and_intake(command: Command) -> None:
    Path("own.yaml").write_text("schema: massage-arm/own-limits/1\nlumbar_erector: {force_n: 20, source: my back}\n")
    session = write_session(GLIDE, KNEAD)
    code, out, _ = command("preview", session, "--limits", "own.yaml")
    assert code == 1 and "27.0 N at its most is not allowed" in out and "my back" in out
    write_intake(numbness=False)
    assert command("preview", session, "--intake", "form.yaml")[0] == 0
    write_intake(skin_of_lower_back_and_buttocks=True)
    code, out, _ = command("preview", session, "--intake", "form.yaml")
    assert code == 1 and "exceeds: ruled out: lumbar_erector" in out and "thoracic" not in out.split("\n")[0]


def test_bad_input(command: Command) -> None:
    session = write_session(GLIDE)
    for arguments, said in (
        (("nonsense.yaml",), "nonsense.yaml"),
        ((session, "--out", "page.png"), ".html"),
        ((session, "--out", "nowhere/page.html"), "not a folder"),
        ((session, "--arm", "crane"), "crane"),
        ((session, "--person", "nobody"), "nobody"),
        ((session, "--tool", "hammer"), "hammer"),
    ):
        code, out, err = command("preview", *arguments)
        assert code == 2 and said in err and err.startswith("error: ") and not out, arguments
    assert not Path("preview.html").exists()
