"""The controller's law: from what the arm reports and what is wanted to joint torques, once a cycle.

    tau = J^T F + (t0 - J^T Lambda J M^-1 t0) + tau_walls + b
    F_lin = K e + D (v_d - v) + n (rho(ahead) (f_ref + PI) - d_n n.v)        the n term in contact only
    F_rot = k_r e_r + D_r (w_d - w)

    Lambda = (J M^-1 J^T + eps)^-1        task inertia; M, J, b: mass matrix, Jacobian and bias of the arm
    L      = ((J M^-1 J^T + eps)_lin)^-1  what the tip feels like while the other half of the motion is free; L_r alike
    K      = k_t (1 - n n^T) + k_n n n^T  n: press direction; k_t, k_n, k_r: tangential, normal, rotational stiffness
    D      = 2 zeta Q^-T diag(sqrt k) Q^-1,  with  K' Q = L Q diag(k),  Q^T L Q = 1       (double diagonalisation)
    e, e_r = governed pose minus measured pose, shortened to a clip;  v_d, w_d: wanted velocities
    t0     = shortened (k_p (q_posture - q) - d_p dq)
    rho    = 1, then a cosine down to 0 while the tool runs `ahead` of the normal reference because contact is lost

K' is K plus a little (10 N/m, 0.5 Nm/rad), so that damping outlives zero stiffness. Then: torque clamp, torque rate
against the last command. Gains, limits and their units: `settings.py`; records: `records.pxd`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, eigh
from scipy.spatial.transform import Rotation

from ..chain import Chain, Floats
from ..settings import ControllerSettings
from ..states import Cause, Task
from . import dynamics
from .contact import APPROACH, FAULT, IDLE, RELEASE, RETRACT, Contact, Sensor, clamp, toward

DAMPING_FLOOR = 10.0  # N/m
DAMPING_FLOOR_ROTATIONAL = 0.5  # Nm/rad
LARGEST = 1e5  # rad, rad/s, Nm, N: no arm reports more
FORETOLD = 0.1  # s that a set-point is moved on
LARGEST_OTHER = 1e12  # s, and anything in a set-point


def shortened(a: Floats, most: float) -> Floats:
    """`a` at length `most` at the most."""
    length = float(np.linalg.norm(a))
    return a * (most / length) if length > most else a


def damping(inertia: Floats, stiffness: Floats, ratio: float) -> Floats:
    """The D that gives every mode of (inertia, stiffness) the same damping ratio."""
    squares, Q = eigh(stiffness, inertia)
    P = np.linalg.inv(Q)
    return np.asarray(2.0 * ratio * P.T @ np.diag(np.sqrt(squares)) @ P)


def task_inertias(M: Floats, J: Floats, eps_linear: float, eps_angular: float) -> tuple[Floats, Floats, Floats]:
    """(Lambda (6, 6), L (3, 3) kg, L_r (3, 3) kg m²)."""
    mobility = J @ np.linalg.solve(M, J.T) + np.diag([eps_linear] * 3 + [eps_angular] * 3)
    return np.linalg.inv(mobility), np.linalg.inv(mobility[:3, :3]), np.linalg.inv(mobility[3:, 3:])


def usable(set_point: Any) -> Cause:
    """Why a set-point cannot be used; nothing when it can."""
    if not np.abs(set_point.values).sum() <= LARGEST_OTHER:
        return Cause.NOT_FINITE_SET_POINT
    lengths = [set_point.quaternion @ set_point.quaternion, set_point.press_direction @ set_point.press_direction]
    amounts = [set_point.force, set_point.force_rate, set_point.wave_force, set_point.wave_rate]
    amounts += [set_point.approach_speed, *set_point.stiffness]
    right = set_point.values[0] in list(Task) and np.abs(np.array(lengths) - 1.0).max() <= 1e-3 and min(amounts) >= 0.0
    return Cause(0) if right else Cause.SET_POINT_REFUSED


def state_is_usable(state: Any) -> bool:
    """Whether all that the arm claims to know is a finite number that an arm can report."""
    readings, times = [state.q, state.dq], [state.time]
    readings += [state.torque] if state.has_torque else []
    return all(np.abs(row).sum() <= LARGEST for row in readings) and all(abs(t) <= LARGEST_OTHER for t in times)


@dataclass
class Status:
    """What was seen and done in one cycle; meanings as in `records.pxd`."""

    contact_state: Any
    causes: Cause
    position: Floats = field(default_factory=lambda: np.zeros(3))
    wrench: Floats = field(default_factory=lambda: np.zeros(6))
    wrench_command: Floats = field(default_factory=lambda: np.zeros(6))
    torque_posture: Floats = field(default_factory=lambda: np.zeros(0))
    force_measured: float = 0.0
    force_reference: float = 0.0
    force_feedback: float = 0.0


class ReferenceController:
    """`Controller` in NumPy: `activate`, `tare`, then `step` once a cycle; the arm is given as its `Chain`."""

    def __init__(
        self,
        chain: Chain,
        settings: ControllerSettings,
        torque_limit: ArrayLike,
        torque_rate: ArrayLike,
        *,
        compensate: str = "robot",
        payload_mass: float = 0.0,
        payload_com: ArrayLike = (0.0, 0.0, 0.0),
        sensor: ArrayLike | None = None,
        tool_mass: float = 0.0,
        tool_com: ArrayLike = (0.0, 0.0, 0.0),
    ) -> None:
        self.chain, self.settings = chain, settings
        self.limit, self.rate = np.asarray(torque_limit, dtype=float), np.asarray(torque_rate, dtype=float)
        self.pull = chain.gravity if compensate == "us" else np.zeros(3)
        self.payload_mass, self.payload_com = payload_mass, np.asarray(payload_com, dtype=float)
        self.sensor = np.eye(4) if sensor is None else np.asarray(sensor, dtype=float)
        self.tool_mass, self.tool_com = tool_mass, np.asarray(tool_com, dtype=float)
        self.contact = Contact(settings)
        self.torque = np.zeros(chain.n)
        self.active = False

    def activate(self, state: Any) -> None:
        """Forget everything and hold where the arm is now."""
        if not state_is_usable(state):
            raise ValueError("the arm's state holds a number that is not finite or beyond 1e5; activation refused")
        pose = dynamics.forward(self.chain, state.q)
        self.contact = Contact(self.settings)
        self.reference, self.attitude = pose[:3, 3], Rotation.from_matrix(pose[:3, :3])
        self.direction = pose[:3, 2]
        self.stiffness = np.zeros(3)
        self.want = SimpleNamespace(
            task=Task.HOLD, position=self.reference, quaternion=self.attitude.as_quat(), twist=np.zeros(6),
            press_direction=self.direction, force=0.0, force_rate=0.0, approach_speed=0.0,
            wave_force=0.0, wave_rate=0.0, stiffness=np.zeros(3),
        )  # fmt: skip
        self.posture = self.seen = state.q.copy()
        self.torque = np.clip(state.torque, -self.limit, self.limit) if state.has_torque else np.zeros(self.chain.n)
        self.tank, self.share, self.springs = self.settings.tank_begin, 1.0, 0.0
        self.zero: Floats | None = None
        self.tared = False
        self.stamp = self.came = 0.0
        self.active = True

    def _load(self, R: Floats) -> Floats:
        """What the weight beyond the sensor does to it at TCP attitude R: (6,), sensor axes."""
        weight = self.tool_mass * self.sensor[:3, :3].T @ R.T @ self.chain.gravity
        return np.asarray(np.r_[weight, np.cross(self.tool_com, weight)])

    def tare(self, wrench: ArrayLike, q: Floats) -> None:
        """Take a raw sensor reading (6,) at joint positions q, free of contact, as zero force."""
        self.zero = np.asarray(wrench, dtype=float) - self._load(dynamics.forward(self.chain, q)[:3, :3])
        self.tared = True

    def step(self, state: Any, set_point: Any, dt: float) -> tuple[SimpleNamespace, Status]:
        """One cycle: (command with `torque`, status)."""
        g, contact = self.settings, self.contact
        if not 0.0 < dt <= 0.05:
            contact.stop(Cause.BAD_DT)
            dt = g.period
        dt = clamp(dt, 0.5 * g.period, 4.0 * g.period)
        if not state_is_usable(state):
            contact.stop(Cause.NOT_FINITE_STATE)
        if not self.active or contact.causes & (Cause.NOT_FINITE_STATE | Cause.NOT_FINITE_COMMAND):
            return self._blind(dt, state)
        self.seen = state.q.copy()

        pose, J = dynamics.forward(self.chain, state.q), dynamics.jacobian(self.chain, state.q)
        M = dynamics.mass_matrix(self.chain, state.q)
        R, position, twist = pose[:3, :3], pose[:3, 3], J @ state.dq
        self._accept(state, set_point)
        self._govern(dt)
        n = self.direction
        ahead = float(n @ (position - self.reference))
        sensor, wrench = self._sense(state, R)
        lead = float(n @ (self.reference - self.want.position))
        felt = float(-n @ (R @ wrench[:3])) - self.tool_mass * contact.wave.shaking
        contact.wave.share = self.share
        contact.step(
            self.want, felt, sensor, ahead, lead, float(n @ (position - self.want.position)), float(n @ twist[:3]), dt
        )
        self.reference = self.reference + contact.speed * dt * n

        try:
            inertias = task_inertias(M, J, g.mobility_eps_linear, g.mobility_eps_angular)
            F = self._wrench(inertias[1], inertias[2], position, R, twist, ahead)
        except LinAlgError:
            contact.stop(Cause.SINGULAR)
            return self._blind(dt, state)
        t0 = g.posture_stiffness * (self.posture - state.q) - g.posture_damping * state.dq
        t0 *= min(1.0, g.posture_max / max(np.abs(t0).max(), 1e-300))
        posture = t0 - J.T @ inertias[0] @ J @ np.linalg.solve(M, t0)
        posture = np.clip(posture, -g.posture_max, g.posture_max)
        if contact.state == FAULT:
            posture = posture + self._brake(M, state.dq, sensor)
        bias = self._bias(state.q, state.dq)
        asked = J.T @ F + posture + self._walls(state) + bias
        torque = self._saturate(asked, dt)
        self._spend(float(F @ twist) + float((torque - asked) @ state.dq), dt)
        status = self._status()
        status.position, status.wrench, status.wrench_command, status.torque_posture = position, wrench, F, posture
        return SimpleNamespace(torque=torque), status

    def _bias(self, q: Floats, dq: Floats) -> Floats:
        """Coriolis, centrifugal and the weight that is ours: the arm's, or a payload's -J_com^T m g."""
        J, R = dynamics.jacobian(self.chain, q), dynamics.forward(self.chain, q)[:3, :3]
        weight = self.payload_mass * self.chain.gravity
        payload = J.T @ np.r_[weight, np.cross(R @ self.payload_com, weight)]
        return np.asarray(dynamics.bias(self.chain, q, dq, self.pull) - payload)

    def _accept(self, state: Any, s: Any) -> None:
        """Take a sound and fresh set-point, clamped to the limits; let go and freeze otherwise."""
        g, fault = self.settings, usable(s)
        stale = not fault and state.time > s.valid_until
        if stale and s.task == Task.PRESS:
            fault = Cause.STALE_SET_POINT
        elif not fault and not stale and self._leaps(s):
            fault = Cause.SET_POINT_JUMP
        if fault:
            self.contact.stop(fault)
        else:
            most = [g.stiffness_max, g.stiffness_normal_max, g.stiffness_rotational_max]
            self.want = SimpleNamespace(
                task=s.task, position=s.position.copy(), quaternion=s.quaternion.copy(),
                twist=np.r_[shortened(s.twist[:3], g.speed_max), shortened(s.twist[3:], g.turn_rate_max)],
                press_direction=s.press_direction.copy(), force=min(s.force, g.force_max),
                force_rate=min(s.force_rate, g.force_rate_max),
                wave_force=min(s.wave_force, 0.5 * g.force_max), wave_rate=min(s.wave_rate, g.wave_rate_max),
                approach_speed=min(s.approach_speed, g.approach_speed_max),
                stiffness=np.minimum(s.stiffness, most),
            )  # fmt: skip
            if s.valid_until != self.stamp:
                self.stamp, self.came = s.valid_until, state.time
            self._move_on(clamp(state.time - self.came, 0.0, FORETOLD))
        if fault or stale:
            self.want.position, self.want.quaternion = self.reference, self.attitude.as_quat()
            self.want.press_direction, self.want.twist = self.direction, np.zeros(6)

    def _move_on(self, age: float) -> None:
        """Where the set-point has gone by its own twist since it came."""
        want, turn = self.want, Rotation.from_rotvec(self.want.twist[3:] * age)
        want.position = want.position + want.twist[:3] * age
        if np.any(want.twist[3:] * age):
            want.quaternion = (turn * Rotation.from_quat(want.quaternion)).as_quat()
            n = want.press_direction + np.cross(want.twist[3:] * age, want.press_direction)
            want.press_direction = n / np.linalg.norm(n)

    def _leaps(self, s: Any) -> bool:
        """Whether a set-point is far from what is governed: turned, or off across while approaching or pressing."""
        g, n, state = self.settings, self.direction, self.contact.state
        turn = (Rotation.from_quat(s.quaternion) * self.attitude.inv()).as_rotvec()
        if float(np.linalg.norm(turn)) > g.jump_angle or float(n @ s.press_direction) < 1.0 - 0.5 * g.jump_angle**2:
            return True
        if s.task != Task.PRESS or state == RELEASE or not (self.contact.touching or state == APPROACH):
            return False
        move = s.position - self.reference
        return float(np.linalg.norm(move - (n @ move) * n)) > g.jump_position

    def _spend(self, out: float, dt: float) -> None:
        """What left through the tool and did not come out of the springs comes out of the tank, in contact."""
        g = self.settings
        if self.contact.touching and self.contact.state != RELEASE:
            energy = self.tank - out * dt - (self.springs_now - self.springs) + g.tank_refill * dt
            self.tank = clamp(energy, -g.tank_max, g.tank_max)
            x = clamp((self.tank - g.tank_low) / (g.tank_high - g.tank_low), 0.0, 1.0)
            self.share = x * x * (3.0 - 2.0 * x)
        else:
            self.tank, self.share = g.tank_begin, 1.0
        self.springs = self.springs_now

    def _govern(self, dt: float) -> None:
        """Slew direction, attitude, stiffness (upwards only) and tangential position towards what is wanted."""
        g, want, state = self.settings, self.want, self.contact.state
        dt *= self.share if self.contact.touching else 1.0
        turn = shortened(np.cross(self.direction, want.press_direction), g.turn_rate_max * dt)
        n = self.direction + np.cross(turn, self.direction)
        if state == IDLE:
            n = want.press_direction
        self.direction = n = n / np.linalg.norm(n)
        turn = (Rotation.from_quat(want.quaternion) * self.attitude.inv()).as_rotvec()
        self.attitude = Rotation.from_rotvec(shortened(turn, g.turn_rate_max * dt)) * self.attitude

        tangential, normal, rotational = want.stiffness
        goal = np.array([tangential, normal if self.contact.touching else tangential, rotational])
        most = g.stiffness_rate * dt * np.array([1.0, 1.0, 0.1])
        self.stiffness = np.minimum(goal, self.stiffness + most)

        move = want.position - self.reference
        if not (state == IDLE and want.task == Task.HOLD):
            move = move - (n @ move) * n
        self.reference = self.reference + shortened(move, g.speed_max * dt)

    def _sense(self, state: Any, R: Floats) -> tuple[Sensor, Floats]:
        """(how far it is known, the environment's wrench on the tool at the TCP, tool axes)."""
        late = abs(state.time - state.wrench_time) > self.settings.sensor_timeout
        usable = state.has_wrench and np.abs(state.wrench).sum() <= LARGEST and abs(state.wrench_time) <= LARGEST_OTHER
        if not usable or late:
            return Sensor.SILENT, np.zeros(6)
        if self.zero is None:
            self.zero = state.wrench - self._load(R)
        w = state.wrench - self.zero - self._load(R)
        force, moment = self.sensor[:3, :3] @ w[:3], self.sensor[:3, :3] @ w[3:]
        known = Sensor.HEARD if self.tared else Sensor.FELT
        return known, np.r_[force, moment + np.cross(self.sensor[:3, 3], force)]

    def _wrench(self, L: Floats, L_r: Floats, p: Floats, R: Floats, twist: Floats, ahead: float) -> Floats:
        """F, base axes, after the clips."""
        g, c, n = self.settings, self.contact, self.direction
        on = 0.0 if c.state == FAULT else 1.0
        k_t, k_n, k_r = self.stiffness
        v, feed = twist[:3], on * self.share * self.want.twist if c.touching else np.zeros(6)

        e = shortened(on * (self.reference - p), g.position_clip)
        normal_speed = self.share * c.wave.speed if c.touching else on * c.speed
        v_d = feed[:3] - (n @ feed[:3]) * n + normal_speed * n
        K = k_t * np.eye(3) + (k_n - k_t) * np.outer(n, n)
        D = damping(L, K + DAMPING_FLOOR * np.eye(3), g.damping_ratio)
        force = K @ e + D @ (v_d - v)
        inward = float(n @ v)
        braking = inward > 0.0 and (c.touching or c.state == RETRACT)
        d_n = g.normal_damping if braking or (c.touching and not c.stopped) else g.release_damping
        if c.touching:
            push = self._normal_force(ahead, inward) + d_n * (normal_speed - inward)
            mass = 1.0 / float(n @ np.linalg.solve(L, n))
            force = force + n * (push + self.share * c.wave.acceleration * mass)
        elif c.state in (RETRACT, FAULT):
            force = force + n * ((g.release_damping * c.speed if c.state == RETRACT else 0.0) - d_n * inward)
        force = force - n * max(0.0, float(n @ force) - self._most_inward(inward))

        e_r = (self.attitude * Rotation.from_matrix(R).inv()).as_rotvec()
        e_r = shortened(on * e_r, g.rotation_clip)
        D_r = damping(L_r, (k_r + DAMPING_FLOOR_ROTATIONAL) * np.eye(3), g.damping_ratio)
        self.springs_now = 0.5 * float(e @ K @ e) + 0.5 * k_r * float(e_r @ e_r)
        moment = k_r * e_r + D_r @ (feed[3:] - twist[3:])
        force = shortened(force, c.reference + g.wrench_margin)
        return np.concatenate([force, shortened(moment, g.moment_max)])

    def _most_inward(self, inward: float) -> float:
        """N: the largest force into the body."""
        c = self.contact
        if c.state in (FAULT, RETRACT, RELEASE):
            return c.reference - c.push_out * clamp(1.0 + inward / self.settings.push_out_speed, 0.0, 1.0)
        if c.state == IDLE and c.stopped:
            return float(self.settings.yield_force)
        return c.reference + max(c.feedback, 0.0) + self.settings.inward_margin if c.touching else np.inf

    def _normal_force(self, ahead: float, inward: float) -> float:
        """The force term alpha phi rho (f_ref + PI), N along the press direction."""
        g = self.settings
        force = self.contact.reference + self.contact.feedback
        way = clamp((ahead - g.loss_free) / g.loss_width, 0.0, 1.0)
        if force <= 0.0:
            return force * self.share
        fade = self.share * clamp(
            1.0 - (inward - max(0.0, self.contact.wave.speed) - g.fade_speed) / g.fade_width, 0.0, 1.0
        )
        return force * fade * 0.5 * (1.0 + float(np.cos(np.pi * way)))

    def _walls(self, state: Any) -> Floats:
        """Push back near a joint limit, growing towards it, damped on the way in."""
        g = self.settings
        over = np.maximum(0.0, state.q - (self.chain.upper - g.wall_width))
        under = np.where(over > 0.0, 0.0, np.maximum(0.0, self.chain.lower + g.wall_width - state.q))
        into, side = np.maximum(over, under), np.where(over > 0.0, -1.0, 1.0)
        push = (g.wall_stiffness * into + g.wall_damping * np.maximum(0.0, -side * state.dq)) * into / g.wall_width
        return np.asarray(side * np.minimum(push, g.wall_max))

    def _saturate(self, torque: Floats, dt: float) -> Floats:
        """Clamp, then rate against the last command: what the arm says it applied may be wrong."""
        if not np.isfinite(torque).all():
            self.contact.stop(Cause.NOT_FINITE_COMMAND)
            torque = np.zeros(self.chain.n)
        goal = np.clip(torque, -self.limit, self.limit)
        most = self.rate * dt * (self.settings.stop_torque_rate if self.contact.stopped else 1.0)
        self.torque = np.array([toward(a, b, c) for a, b, c in zip(self.torque, goal, most, strict=True)])
        return self.torque.copy()

    def _brake(self, M: Floats, dq: Floats, sensor: Sensor) -> Floats:
        """Torques (n,) that bring a limp arm to rest while nobody is felt; none on a joint whose speed is no number."""
        g, c = self.settings, self.contact
        if not (c.believed(sensor) and c.measured < g.push_out_until):
            return np.zeros(self.chain.n)
        known = np.where(np.abs(dq) <= LARGEST, dq, 0.0)
        return np.asarray(np.clip(-np.diag(M) * known / g.brake_time, -g.brake_max, g.brake_max))

    def _blind(self, dt: float, state: Any) -> tuple[SimpleNamespace, Status]:
        """Without a trustworthy state: what holds the arm up where it was last seen; before activation nothing.

        While the sensor is heard and feels the person, a push outwards besides.
        """
        torque = np.zeros(self.chain.n)
        if self.active:
            torque = self._bias(self.seen, np.zeros(self.chain.n))
            R = dynamics.forward(self.chain, self.seen)[:3, :3]
            sensor, wrench = self._sense(state, R)
            if sensor:
                self.contact.hear(float(-self.direction @ (R @ wrench[:3])), dt)
            self.contact.help_out(sensor, dt)
            torque += self._brake(dynamics.mass_matrix(self.chain, self.seen), state.dq, sensor)
            torque -= dynamics.jacobian(self.chain, self.seen)[:3].T @ self.direction * self.contact.push_out
        return SimpleNamespace(torque=self._saturate(torque, dt)), self._status()

    def _status(self) -> Status:
        c = self.contact
        status = Status(contact_state=c.state, causes=c.causes)
        status.force_measured, status.force_reference, status.force_feedback = c.measured, c.reference, c.feedback
        return status
