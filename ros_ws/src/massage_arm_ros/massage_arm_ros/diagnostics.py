"""What an onlooker has heard as `diagnostic_msgs`: a status for every node, in words, and numbers with their units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from massage_arm.control.press_work import VALID_S
from massage_arm.native import ContactState, Level, Limit, Status
from massage_msgs.msg import ArmStatus, ControllerStatus, Safety, SessionState

from .supervisor import ARM, SILENT_S, STOP_SILENT_S, WATCHED

SUPERVISOR = "supervisor"
"""It sends no heartbeat: what it says is one."""
STALE_S = STOP_SILENT_S
"""s of this machine's clock after which what was heard says nothing about now: as the supervisor has it for the arm."""
OLD_SET_POINT_S = 0.5 * VALID_S
"""s; twice as old, and the controller lets go."""

OK, WARN, ERROR, STALE = range(4)
"""As in `DiagnosticStatus`, where they are bytes."""
_SESSION_LEVELS = {"faulted": ERROR, "stopped": WARN, "paused": WARN, "guided": WARN}

Values = dict[str, str]


@dataclass(frozen=True)
class Coming:
    """How the messages of one sender came since the last report, by this machine's clock."""

    rate_hz: float
    longest_s: float
    """The longest time without one, that which still goes on included."""
    silent_s: float
    """Since the newest; inf: none was ever heard."""

    @property
    def stale(self) -> bool:
        """Whether what was heard says nothing about now."""
        return self.silent_s > STALE_S


class Arrivals:
    """When the messages of one sender come; all times [s] are of this machine's clock."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._newest: float | None = None
        self._count, self._longest = 0, 0.0

    def hear(self, now: float) -> None:
        """One came."""
        if self._newest is not None:
            self._longest = max(self._longest, now - self._newest)
        self._newest = now
        self._count += 1

    def coming(self, now: float) -> Coming:
        """Since the last report, which ends here."""
        silent = math.inf if self._newest is None else now - self._newest
        told = Coming(self._count / max(now - self._since, 1e-9), max(self._longest, silent), silent)
        self._since, self._count, self._longest = now, 0, 0.0
        return told


@dataclass(frozen=True)
class Known:
    """All that was heard until now; None: never."""

    nodes: Mapping[str, Coming]
    """By the name in the heartbeats; the supervisor by what it says."""
    joints: Coming
    statuses: Coming
    """Of the controller."""
    states: Coming
    """Of the session."""
    arm: ArmStatus | None = None
    controller: ControllerStatus | None = None
    session: SessionState | None = None
    safety: Safety | None = None


@dataclass(frozen=True)
class Finding:
    """What there is to say of one node, and how bad it is."""

    level: int
    text: str
    values: Values


def status_of(message: ControllerStatus) -> Status | None:
    """The record of the compiled core in a message; None where another version of it sent that."""
    status = Status(1)  # how many joints it has matters to its torques only, which nobody looks at here
    if len(message.values) != len(status.values):
        return None
    status.values[:] = message.values
    return status


def diagnose(known: Known, hardware: str, time: Time) -> DiagnosticArray:
    """One status for every node that there must be, and for every other one that was heard.

    `hardware`: the name of the arm, for `hardware_id`; `time`: of this machine, as tools for diagnostics have it.
    """
    found = {
        ARM: _arm(known),
        "controller": _controller(known),
        "session": _session(known),
        SUPERVISOR: _supervisor(known),
    }
    array = DiagnosticArray()
    array.header.stamp = time
    never = Coming(0.0, math.inf, math.inf)
    for name in (*WATCHED, SUPERVISOR, *(name for name in known.nodes if name not in (*WATCHED, SUPERVISOR))):
        coming = known.nodes.get(name, never)
        finding = _with_silence(coming, found.get(name, Finding(OK, "is heard", {})))
        array.status.append(
            DiagnosticStatus(
                level=bytes([finding.level]),
                name=f"massage: {name}",
                message=finding.text,
                hardware_id=hardware,
                values=[KeyValue(key=key, value=value) for key, value in finding.values.items()],
            )
        )
    return array


def _with_silence(coming: Coming, finding: Finding) -> Finding:
    """What silence makes of it: nothing that was said before is true now."""
    if math.isinf(coming.silent_s):
        return Finding(STALE, "has not been heard", {})
    if coming.stale:
        return Finding(STALE, f"silent for {coming.silent_s:.1f} s", {"silent for [s]": number(coming.silent_s, 1)})
    level, text = finding.level, finding.text
    if coming.longest_s > SILENT_S:
        level = max(level, WARN)
        text = f"was silent for {1e3 * coming.longest_s:.0f} ms, {1e3 * SILENT_S:.0f} ms may be a stop; {text}"
    values = {"rate [Hz]": number(coming.rate_hz, 1), "longest wait [ms]": number(1e3 * coming.longest_s, 0)}
    return Finding(level, text, values | finding.values)


def _arm(known: Known) -> Finding:
    arm = known.arm
    if arm is None:
        return Finding(ERROR, "its heart beats, but it tells no status", {})
    values = {
        "joint states [Hz]": number(known.joints.rate_hz, 1),
        "age of commands [ms]": number(1e3 * arm.command_age, 1),
    }
    if math.isfinite(arm.force_true):  # known to a simulated arm only
        values["true force [N]"] = number(arm.force_true, 2)
    if known.joints.stale:
        return Finding(ERROR, "no joint states come", values)
    if not arm.ready:
        return Finding(ERROR, f"not ready: {arm.text}", values)
    return Finding(OK, arm.text or "follows", values)


def _controller(known: Known) -> Finding:
    message = known.controller
    if message is None:
        return Finding(OK, "not active", {})
    status = status_of(message)
    if status is None:
        return Finding(
            ERROR,
            f"a status of {len(message.values)} numbers, {len(Status(1).values)} are needed: another version runs",
            {},
        )
    if known.statuses.stale:  # the heart still beats: it was deactivated
        why = f"; it let go: {message.cause_text}" if message.cause_text else ""
        return Finding(ERROR if why else OK, f"not active{why}", {})
    values = {
        "contact": ContactState(message.contact_state).name.lower(),
        "force asked [N]": number(message.force_asked, 2),
        "force measured [N]": number(message.force_measured, 2),
        "age of set-point [ms]": number(1e3 * message.set_point_age, 1),
        "clamps that bind": words(Limit(message.limited)) or "none",
        "torque [% of limit]": number(100.0 * status.torque_share, 0),
        "energy tank [J]": number(status.tank, 2),
    }
    if message.level or message.cause_text:
        how = Level(message.level).name.lower()
        return Finding(ERROR, f"{how}: {message.cause_text}" if message.level else message.cause_text, values)
    if not math.isfinite(message.force_measured):
        return Finding(ERROR, "the force that it measures is no number", values)
    if message.set_point_age > OLD_SET_POINT_S:
        told = f"set-points are {1e3 * message.set_point_age:.0f} ms old; {1e3 * VALID_S:.0f} ms is allowed"
        return Finding(WARN, told, values)
    return Finding(OK, values["contact"], values)


def _session(known: Known) -> Finding:
    session = known.session
    if session is None:
        return Finding(OK, "waits for a goal", {})
    level = _SESSION_LEVELS.get(session.state, OK)
    told = f"{session.state}: {session.text}" if session.text else session.state
    if known.states.stale:
        return Finding(level, f"waits for a goal; the last one ended {told}", {})
    values = {
        "force asked [N]": number(session.force_asked, 2),
        "force measured [N]": number(session.force_measured, 2),
    }
    return Finding(level, told, values)


def _supervisor(known: Known) -> Finding:
    safety = known.safety
    if safety is not None and safety.stop:
        return Finding(ERROR, f"stop: {safety.text}", {})
    return Finding(OK, "nothing is against it", {})


def words(flags: Limit) -> str:
    """The names of the bits that are set, with commas; empty: none."""
    return ", ".join(str(flag.name).lower().replace("_", " ") for flag in type(flags) if flag in flags)


def number(value: float, digits: int) -> str:
    """With so many digits behind the point; `none` where there is no number: nothing was ever measured as 0 then."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "none"
