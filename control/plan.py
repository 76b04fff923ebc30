"""What a person asks for: one press, as a YAML file or as options of the command line."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from ..native.errors import InputError
from .limits import Limit, find_own_limits, force_limits, hold_limits
from .pacing import REST_S
from .sites import find_site
from .supervisor import parse_requests
from .thresholds import load_thresholds
from .tool import load_tool
from .yaml_file import Field, read_schema, read_yaml

SCHEMA = "massage-arm/press/1"
SESSION_RUN_SCHEMA = "massage-arm/session-run/1"
"""Of what a run of a session leaves in its folder."""
DISTURBANCES = ("ideal", "realistic", "harsh")
CONTROL_HZ = (250, 500, 1000)
SKINS = ("dry", "oil", "lotion")

_LARGEST = {  # key: the largest value, the unit, the source; each must be above 0
    "ramp_s": (600.0, "s", ""),
    "hold_s": (90.0, "s", "static hold per point, docs/safety.md A.9"),
    "release_s": (600.0, "s", ""),
    "approach_mm_s": (50.0, "mm/s", "near the body, docs/safety.md A.9"),
}
_MAX_RATE_N_S = 60.0  # A.9 for unloading; its 20 N/s for loading is advice, the press bench ramps at 40 N/s


@dataclass(frozen=True)
class RunPlan:
    """On whom, with what arm and under which circumstances something is run."""

    person: str = "average"
    """A body, with the constants of an average person, or one of a drawn population: SEED/NUMBER."""
    skin: str = "oil"
    """dry, oil, or lotion, which goes in within minutes and then drags."""
    startle_s: float | None = None
    """When they start, if at all: muscles tighten, the body moves up 15 mm and back."""
    shift_s: float | None = None
    """When they move to lie otherwise, if at all."""
    shift_mm: float = 10.0
    """How far up (or, below 0, down) that takes the skin."""
    arm: str = "iiwa14"
    """A known arm or the path of a URDF."""
    tip: str | None = None
    """The link that carries the tool; None for the arm's own."""
    seed: int = 0
    disturbances: str = "realistic"
    control_hz: int = 1000
    limits: str | None = None
    """A file of limits of one's own: they may only lower."""
    asks: str | None = None
    """What is asked on the way, such as "pause@8, resume@10": what `parse_requests` in supervisor.py knows."""
    faults: str | None = None
    """What goes wrong on the way, such as "sensor_cut@6.5, person_rises@7:0.5": `parse_faults` in sim/faults.py."""
    scan_seed: int | None = None
    """Of the scan that the arm works from; None for `seed`."""
    rest_s: float = 0.0
    """How long they lie untouched before: 180 to 300 s make a baseline of the heart, 0 none."""


@dataclass(frozen=True)
class PressPlan(RunPlan):
    """One press: find the surface, ramp up, hold, release, withdraw."""

    site: str = "interscapular_right"
    """A key of `load_sites()`."""
    force_n: float = 40.0
    ramp_s: float = 2.0
    """Time from touch to `force_n`."""
    hold_s: float = 10.0
    release_s: float = 2.0
    approach_mm_s: float = 30.0
    tool: str = "thumb"
    """A shipped tool or the path of a tool file."""

    @property
    def title(self) -> str:
        """What a run folder is called by."""
        return self.site


@dataclass(frozen=True)
class SessionPlan(RunPlan):
    """A session of strokes, or a pressure profile at one site."""

    session: str = "back_relaxing"
    """A session or a profile: shipped, or the path of its file."""
    site: str | None = None
    """Where, if it is a profile; None for the right lumbar erector."""
    share_of_cap: float = 1.0
    """What an intake leaves of every cap."""
    thresholds: str | None = None
    """A file of the person's own pain thresholds."""
    dose: str | None = None
    """A ledger of what their back was given before (`dose_bytes`)."""
    began_s: float = 0.0
    """When it began, Unix time: what was given before has faded until then."""

    @property
    def title(self) -> str:
        """What a run folder is called by."""
        return Path(self.session).stem


_DEFAULT = asdict(PressPlan())
_KINDS: dict[str, type] = {name: type(value) for name, value in _DEFAULT.items()}
_KINDS |= {
    "tip": str,
    "limits": str,
    "asks": str,
    "faults": str,
    "scan_seed": int,
    "startle_s": float,
    "shift_s": float,
}
_CHOICES: dict[str, tuple[object, ...]] = {"disturbances": DISTURBANCES, "control_hz": CONTROL_HZ, "skin": SKINS}
_MAX_SHIFT_MM = 50.0  # re-positioning moves the skin by 5 to 50 mm; assumption
_LONGEST_WAIT_S = 3600.0  # a session waits for what is still to be asked, however long that takes; own choice
_LEAST, _MOST = {"shift_mm": -_MAX_SHIFT_MM}, {"shift_mm": _MAX_SHIFT_MM}
FIELDS = {
    name: Field(
        kind,
        minimum=_LEAST.get(name, 0) if kind in (int, float) else None,
        maximum=_LARGEST[name][0] if name in _LARGEST else _MOST.get(name),
        choices=_CHOICES.get(name),
        required=False,
        default=_DEFAULT[name],
    )
    for name, kind in _KINDS.items()
}


def load_plan(path: Path) -> PressPlan:
    """The plan in a YAML file of schema `massage-arm/press/1`; keys left out keep their defaults.

    Raises InputError (file, line, key, value, what is allowed) for a file that is not such a plan; the limits of the
    body are checked by `check_plan`, after options of the command line have had their say.
    """
    return PressPlan(**read_yaml(path, SCHEMA, FIELDS))


def find_plan(what: str | None) -> PressPlan | SessionPlan:
    """The plan of a file of any kind, or of a session or profile by name; the default press for None."""
    if what is None:
        return PressPlan()
    if not Path(what).suffix:
        return SessionPlan(session=what)
    return load_plan(Path(what)) if read_schema(Path(what)) == SCHEMA else SessionPlan(session=what)


def check_any(plan: RunPlan) -> None:
    """`check_plan` of a press; of a session its circumstances: the rest is checked on the back it is done on."""
    if isinstance(plan, PressPlan):
        check_plan(plan)
        return
    check_circumstances(plan)
    if isinstance(plan, SessionPlan) and plan.thresholds is not None:
        load_thresholds(Path(plan.thresholds), plan.person)


def plan_yaml(plan: RunPlan) -> str:
    """The plan as the text of a file that `parse_plan` reads back equal."""
    values = {name: value for name, value in asdict(plan).items() if value is not None}
    schema = SESSION_RUN_SCHEMA if isinstance(plan, SessionPlan) else SCHEMA
    return yaml.safe_dump({"schema": schema, **values}, sort_keys=False)


def parse_plan(text: str) -> PressPlan | SessionPlan:
    """The plan in a text that `plan_yaml` wrote, such as the one in a log."""
    values = yaml.safe_load(text)
    kind = SessionPlan if values.pop("schema") == SESSION_RUN_SCHEMA else PressPlan
    return kind(**values)


def check_circumstances(plan: RunPlan) -> None:
    """Raise InputError where what a press and a session have in common is not allowed."""
    _check_choice("disturbances", plan.disturbances, DISTURBANCES)
    _check_choice("control_hz", plan.control_hz, CONTROL_HZ)
    _check_choice("skin", plan.skin, SKINS)
    _check_events(plan)
    if plan.seed < 0:
        raise InputError(f"seed: {plan.seed} is not allowed; a whole number from 0 up is")


def check_plan(plan: PressPlan) -> None:
    """Raise InputError when the plan may not be carried out on a person: value, limit and its source in one line."""
    site = find_site(plan.site)
    check_circumstances(plan)
    for name, (largest, unit, source) in _LARGEST.items():
        _check_range(name, getattr(plan, name), unit, largest, source)
    own = find_own_limits(plan.limits)
    _check_limit("force_n", plan.force_n, force_limits(site, load_tool(plan.tool), own)[0], site.name)
    _check_limit("hold_s", plan.hold_s, hold_limits(site, own)[0], site.name)
    for name, seconds in (("ramp_s", plan.ramp_s), ("release_s", plan.release_s)):
        if plan.force_n > _MAX_RATE_N_S * seconds:
            least = plan.force_n / _MAX_RATE_N_S
            raise InputError(
                f"{name}: {seconds:g} s for {plan.force_n:g} N is not allowed; at least {least:.2g} s is "
                f"({_MAX_RATE_N_S:g} N/s, docs/safety.md A.9)"
            )


def _check_events(plan: RunPlan) -> None:
    requests = parse_requests(plan.asks or "")
    if plan.asks is not None and not requests:
        raise InputError(f"asks: {plan.asks!r} is not allowed; REQUEST@SECONDS is, such as pause@8")
    if requests and requests[-1][0] > _LONGEST_WAIT_S:
        at, what = requests[-1]
        raise InputError(f"asks: {what}@{at:g} is not allowed; a time from 0 to {_LONGEST_WAIT_S:g} s is")
    if plan.rest_s != 0.0 and not REST_S[0] <= plan.rest_s <= REST_S[1]:
        raise InputError(
            f"rest_s: {plan.rest_s:g} s is not allowed; 0, or {REST_S[0]:g} to {REST_S[1]:g} s for a baseline, is"
        )
    if not abs(plan.shift_mm) <= _MAX_SHIFT_MM:  # NaN fails too
        raise InputError(
            f"shift_mm: {plan.shift_mm:g} mm is not allowed; from -{_MAX_SHIFT_MM:g} to {_MAX_SHIFT_MM:g} mm is"
        )
    for name in ("startle_s", "shift_s"):
        at = getattr(plan, name)
        if at is not None and not 0.0 <= at < math.inf:  # NaN fails too
            raise InputError(f"{name}: {at:g} s is not allowed; a time from 0 s on is")


def _check_limit(name: str, value: float, limit: Limit, site: str) -> None:
    if not 0.0 < value <= limit.value:  # NaN fails too
        allowed = f"more than 0 and at most {limit.shown:g} {limit.unit} is" if limit.shown > 0.0 else "nothing is"
        raise InputError(
            f"{name}: {value:g} {limit.unit} is not allowed at {site}; {allowed} ({limit.name}; {limit.source})"
        )


def _check_range(name: str, value: float, unit: str, largest: float, source: str) -> None:
    if not 0.0 < value <= largest:  # NaN fails too
        why = f" ({source})" if source else ""
        raise InputError(f"{name}: {value:g} {unit} is not allowed; more than 0 and at most {largest:g} {unit} is{why}")


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name}: {value!r} is not allowed; one of {', '.join(map(str, choices))} is")
