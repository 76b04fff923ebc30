"""The controller: from what the arm reports and what is wanted to joint torques, once a cycle.

    tau = J^T F + N tau_posture + tau_walls + bias
    F   = K e + D (v_d - v) + n (rho (f_ref + PI(f_ref - f)) - d_n n.v)

K = k_t (1 - n n^T) + k_n n n^T and k_r; D, the double-diagonalised damping, fits K and the tip's mobility, translation
and rotation apart; n is the press direction. The order of the chain is part of the design: check, govern, contact,
law, wrench clamp, torque map, torque clamp, torque rate, finite check. The readable NumPy version, which the tests
hold this one against, is `reference/law.py`.

Every cycle the observer hears what the joints feel, the tank settles the energy, and the guard, last, looks at all of
it. The causes it sees change the contact state in the same cycle and the wrench in the next; what follows on each is
`RESPONSE` in states.py.
"""

from libc.math cimport fabs
from libc.string cimport memcpy, memset

from massage_arm.native.causes cimport BAD_DT, NOT_FINITE_COMMAND, NOT_FINITE_STATE, SINGULAR, STATE_JUMP
from massage_arm.native.contact cimport (
    APPROACH, FAULT, FELT, IDLE, RELEASE, TOUCH, contact_step, in_contact, push_out, stop, stopped,
)
from massage_arm.native.governor cimport accept, govern, state_is_usable
from massage_arm.native.guard cimport GuardLimits, guard_reset
from massage_arm.native.joints cimport brake, posture_torque, saturate, wall_torque
from massage_arm.native.law cimport task_mobility
from massage_arm.native.maths cimport clamp, cross, dot3, exponential, quaternion_from_rotation
from massage_arm.native.model cimport add_weight, model_dynamics
from massage_arm.native.observer cimport observer_step
from massage_arm.native.records cimport ArmState, SetPoint
from massage_arm.native.sensing cimport beyond_surface, sense, tool_weight, watch
from massage_arm.native.tank cimport tank_step
from massage_arm.native.wrench cimport task_wrench

from dataclasses import fields, replace

import numpy as np

from .errors import InputError
from .settings import GuardLimits as Limits
from .states import RESPONSE, Cause


cdef void report(ControllerData* c, StatusData* status) noexcept nogil:
    cdef int j
    status.contact_state = c.contact.state
    status.causes = c.contact.causes
    status.force_measured = c.contact.measured
    status.force_reference = c.contact.reference
    status.force_feedback = c.contact.feedback
    for j in range(3):
        status.set_position[j] = c.reference[j]
        status.press_direction[j] = c.direction[j]
    for j in range(4):
        status.set_quaternion[j] = c.attitude[j] if c.active else status.quaternion[j]
    status.weakest_direction = c.mobility.weakest
    status.limited = c.limited
    status.level = c.contact.level
    status.tank = c.tank.energy
    status.tissue_stiffness = c.contact.wave.stiffness
    status.off_tool = c.observer.off_tool
    status.force_joints = -dot3(c.direction, c.observer.force)
    status.force_joints_valid = c.observer.valid


cdef void weighted_dynamics(ControllerData* c, const double* q, const double* dq) noexcept nogil:
    """The dynamics, with the weight that is ours to carry in their bias."""
    cdef const Settings* g = &c.settings
    model_dynamics(&c.model, q, dq, g.compensate, &c.dynamics)
    if g.payload_mass > 0.0:
        add_weight(&c.dynamics, c.model.n, g.payload_mass, g.payload_com, g.gravity, c.dynamics.bias)


cdef void blind_step(ControllerData* c, const ArmStateData* state, double dt, CommandData* command,
                     StatusData* status) noexcept nogil:
    """Without a trustworthy state: what holds the arm up where it was last seen; before activation nothing.

    An arm that carries its own weight then floats; one whose weight is ours would otherwise fall on the person. As long
    as the force sensor can still be heard and feels them, the tool is helped out along the direction it pressed in;
    feels it nobody, the joints whose speed is known are braked.
    """
    cdef double still[MAX_JOINTS]
    cdef double force
    cdef int sensor
    cdef int i, j
    memset(still, 0, sizeof(still))
    memset(status, 0, sizeof(StatusData))
    memset(command.torque, 0, sizeof(command.torque))
    status.quaternion[3] = 1.0
    c.contact.joints_feel = 0
    if c.active:
        weighted_dynamics(c, c.seen, still)
        memcpy(status.position, c.dynamics.k.tip.position, sizeof(status.position))
        quaternion_from_rotation(c.dynamics.k.tip.rotation, status.quaternion)
        memcpy(status.torque_bias, c.dynamics.bias, sizeof(status.torque_bias))
        memcpy(command.torque, c.dynamics.bias, c.model.n * sizeof(double))
        sensor = sense(c, state, status, &force)
        if sensor >= FELT:
            c.contact.measured += (1.0 - exponential(-dt / c.settings.force_filter)) * (force - c.contact.measured)
        push_out(&c.contact, &c.settings, sensor >= FELT, dt)
        for i in range(c.model.n):
            command.torque[i] += brake(c, state, i, sensor >= FELT)
            for j in range(3):
                command.torque[i] -= c.dynamics.jacobian[j][i] * c.direction[j] * c.contact.push_out
    saturate(c, dt, command.torque, status)
    report(c, status)


cdef void spend(ControllerData* c, double dt) noexcept nogil:
    """Settle the tank while the tool presses; it is filled anew for every touch."""
    cdef const Settings* g = &c.settings
    if in_contact(c.contact.state) and c.contact.state != RELEASE:
        tank_step(&c.tank, c.out, c.springs, g.tank_refill, g.tank_low, g.tank_high, g.tank_max, dt)
    else:
        c.tank.energy = g.tank_begin
        c.tank.springs = c.springs
        c.tank.share = 1.0


cdef void controller_step(ControllerData* c, const ArmStateData* state, const SetPointData* set_point, double dt,
                          CommandData* command, StatusData* status) noexcept nogil:
    """One cycle; total: whatever comes in, a finite and limited command goes out."""
    cdef const Settings* g = &c.settings
    cdef double t0[MAX_JOINTS]
    cdef double delta[3]
    cdef double force, ahead, loop_step
    cdef int sensor
    cdef int i, j, r, before
    cdef int n = c.model.n
    c.limited = 0.0
    if not (dt > 0.0 and dt <= 0.05):
        stop(&c.contact, g, BAD_DT)
        dt = state.time - c.time if state.time > c.time and state.time < c.time + 1.0 else g.period
    loop_step = dt
    dt = clamp(dt, 0.5 * g.period, 4.0 * g.period)
    if not state_is_usable(state, n):
        stop(&c.contact, g, NOT_FINITE_STATE)
    if not c.active or (c.contact.causes & (NOT_FINITE_STATE | STATE_JUMP | NOT_FINITE_COMMAND)):
        blind_step(c, state, dt, command, status)
        return

    weighted_dynamics(c, state.q, state.dq)
    for j in range(3):
        status.position[j] = c.dynamics.k.tip.position[j]
    quaternion_from_rotation(c.dynamics.k.tip.rotation, status.quaternion)
    memcpy(status.twist, c.dynamics.twist, 6 * sizeof(double))
    observer_step(&c.observer, &c.dynamics, n, state.dq, &state.torque[0] if state.has_torque != 0.0 else &c.torque[0],
                  g.torque_limit, g.observer_bandwidth, g.observer_weakest, dt)

    accept(c, state, set_point)
    govern(c, dt)
    for j in range(3):
        delta[j] = status.position[j] - c.reference[j]
    ahead = dot3(c.direction, delta)
    sensor = sense(c, state, status, &force)
    for j in range(3):
        delta[j] = c.reference[j] - c.want.position[j]
    c.contact.lead = dot3(c.direction, delta)
    c.contact.joints_feel = c.observer.valid and c.tared == 1 and -dot3(c.direction, c.observer.force) > g.push_out_until
    before = c.contact.state
    c.contact.wave.share = c.tank.share
    contact_step(&c.contact, g, &c.want, force - g.tool_mass * c.contact.wave.shaking, sensor, ahead,
                 beyond_surface(c, status), dot3(c.direction, status.twist), dt)
    if c.contact.state == TOUCH and before == APPROACH:
        c.touched = beyond_surface(c, status)
    if c.contact.state == APPROACH and before == IDLE:
        memcpy(c.place, status.position, sizeof(c.place))
    elif c.contact.state == IDLE and not stopped(&c.contact):
        for j in range(3):  # who travels says so by a twist; a pose alone does not move what the guard stands for
            c.place[j] += c.want.twist[j] * dt
    if fabs(c.contact.feedback) >= g.force_feedback_max:
        c.limited = <int>c.limited | LIMIT_FORCE_FEEDBACK
    for j in range(3):
        c.reference[j] += c.contact.speed * dt * c.direction[j]

    posture_torque(c, state, t0)
    task_mobility(&c.dynamics, n, t0, g.mobility_eps_linear, g.mobility_eps_angular, &c.mobility)
    if not c.mobility.weakest > 0.0:
        stop(&c.contact, g, SINGULAR)
        blind_step(c, state, dt, command, status)
        return
    task_wrench(c, ahead, status)
    stop(&c.contact, g, watch(c, state, status, force, sensor, loop_step, dt))
    if c.contact.causes & STATE_JUMP:
        blind_step(c, state, dt, command, status)
        return
    memcpy(c.seen, state.q, sizeof(c.seen))
    c.time = state.time
    c.cycles = 1
    for i in range(n):
        force = 0.0
        ahead = t0[i]
        for r in range(6):
            force += c.dynamics.jacobian[r][i] * status.wrench_command[r]
            ahead -= c.dynamics.jacobian[r][i] * c.mobility.posture_wrench[r]
        status.torque_task[i] = force
        status.torque_posture[i] = clamp(ahead, -g.posture_max, g.posture_max)
        if c.contact.state == FAULT:
            status.torque_posture[i] += brake(c, state, i, sensor >= FELT)
        status.torque_walls[i] = wall_torque(g, i, state.q[i], state.dq[i])
        status.torque_bias[i] = c.dynamics.bias[i]
        command.torque[i] = force + status.torque_posture[i] + status.torque_walls[i] + status.torque_bias[i]
        c.out -= command.torque[i] * state.dq[i]
    saturate(c, dt, command.torque, status)
    for i in range(n):  # a torque that comes late gives or takes what the wrench did not say
        c.out += command.torque[i] * state.dq[i]
    spend(c, dt)
    report(c, status)


cdef class Controller:
    """The compiled controller: `activate`, `tare`, then `step` once a cycle.

    `model` is what the controller believes of the arm, tool included, to the TCP. `torque_limit`, `torque_rate` (n,)
    in Nm and Nm/s. `compensate` says whose gravity the command must carry: "robot" (the arm holds everything itself)
    or "us". `payload_mass` (kg) at `payload_com` (3,) (m, seen from the TCP, tool axes) is what an arm that holds itself
    does not know it carries, so the command holds that, too. `sensor` is the pose (4, 4) of the force sensor in the tool frame, `tool_mass` (kg) and `tool_com` (3,)
    (m, sensor axes) what hangs on it. Raises InputError or ValueError on construction; `step` never raises.
    """

    def __init__(self, ArmModel model, settings, torque_limit, torque_rate, *, limits=Limits(), compensate="robot",
                 double payload_mass=0.0, payload_com=(0.0, 0.0, 0.0), sensor=None, double tool_mass=0.0,
                 tool_com=(0.0, 0.0, 0.0)):
        cdef int i, j
        if compensate not in ("robot", "us"):
            raise InputError(f"compensate = {compensate!r}: one of 'robot', 'us' is allowed")
        if not 0.0 <= payload_mass < float("inf") or (payload_mass > 0.0 and compensate == "us"):
            raise InputError(f"payload_mass = {payload_mass!r}: a finite number from 0 up is allowed, with 'us' only 0")
        memset(&self.data, 0, sizeof(ControllerData))
        self.model = model
        self.settings = settings
        self.data.model = model.model
        self.command = Command(model.n)
        self.status = Status(model.n)
        self.result = (self.command, self.status)
        pose = np.eye(4) if sensor is None else np.asarray(sensor, dtype=float)
        for i in range(model.n):
            if not (0.0 < torque_limit[i] < float("inf") and 0.0 < torque_rate[i] < float("inf")):
                raise InputError(f"torque limit and rate of {model.joint_names[i]}: finite numbers above 0 are allowed")
            self.data.settings.torque_limit[i] = torque_limit[i]
            self.data.settings.torque_rate[i] = torque_rate[i]
            self.data.settings.lower[i] = model.chain.lower[i]
            self.data.settings.upper[i] = model.chain.upper[i]
        for i in range(3):
            self.data.settings.gravity[i] = model.chain.gravity[i]
            self.data.settings.compensate[i] = model.chain.gravity[i] if compensate == "us" else 0.0
            self.data.settings.payload_com[i] = payload_com[i]
            self.data.settings.sensor_shift[i] = pose[i, 3]
            self.data.settings.tool_com[i] = tool_com[i]
            for j in range(3):
                self.data.settings.sensor_turn[3 * i + j] = pose[i, j]
        self.data.settings.tool_mass = tool_mass
        self.data.settings.payload_mass = payload_mass
        cdef double* first = &self.data.settings.period
        if &first[len(fields(settings))] != <double*>(&self.data.settings + 1):
            raise TypeError(f"{type(settings).__name__} does not have the fields of the compiled Settings")
        for i, field in enumerate(fields(settings)):
            first[i] = getattr(settings, field.name)
        self._stand_for(limits)
        for i, cause in enumerate(Cause):
            self.data.settings.response[i] = RESPONSE[cause]

    cdef _stand_for(self, limits):
        """Fill in the guard's limits."""
        cdef double* first = &self.data.limits.force_hard
        if &first[len(fields(limits))] != <double*>(&self.data.limits + 1):
            raise TypeError(f"{type(limits).__name__} does not have the fields of the compiled GuardLimits")
        for i, field in enumerate(fields(limits)):
            first[i] = getattr(limits, field.name)
        self.limits = limits

    def relimit(self, double force_max, limits):
        """Stand for the limits of another place: `force_max` [N] and `GuardLimits`; only while nothing is pressed.

        Raises ValueError while the tool presses, or approaches or leaves the body.
        """
        if self.data.contact.state != IDLE:
            raise ValueError(f"limits change only while nothing is pressed; the contact is {self.status.contact_state!r}")
        settings = replace(self.settings, force_max=force_max)
        self._stand_for(limits)
        self.settings = settings
        self.data.settings.force_max = settings.force_max

    def activate(self, ArmState state):
        """Forget everything and hold where the arm is now; raises ValueError when the state is not finite."""
        if state.n != self.data.model.n:
            raise ValueError(f"the state has {state.n} joints, the arm {self.data.model.n}")
        if not state_is_usable(state.data, state.n):
            raise ValueError("the arm's state holds a number that is not finite or beyond 1e5; activation refused")
        memset(&self.data.contact, 0, sizeof(self.data.contact))
        memset(&self.data.want, 0, sizeof(SetPointData))
        self.data.stamp = self.data.came = 0.0
        memset(&self.data.mobility, 0, sizeof(self.data.mobility))
        memset(&self.data.observer, 0, sizeof(self.data.observer))
        memset(&self.data.tank, 0, sizeof(self.data.tank))
        guard_reset(&self.data.guard)
        memcpy(self.data.seen, state.data.q, sizeof(self.data.seen))
        model_dynamics(&self.data.model, state.data.q, state.data.dq, self.data.settings.compensate,
                       &self.data.dynamics)
        quaternion_from_rotation(self.data.dynamics.k.tip.rotation, self.data.attitude)
        for j in range(3):
            self.data.reference[j] = self.data.dynamics.k.tip.position[j]
            self.data.stiffness[j] = 0.0
            self.data.direction[j] = self.data.dynamics.k.tip.rotation[3 * j + 2]
            self.data.want.position[j] = self.data.reference[j]
            self.data.want.press_direction[j] = self.data.direction[j]
        for j in range(4):
            self.data.want.quaternion[j] = self.data.attitude[j]
        for i in range(self.data.model.n):
            self.data.posture[i] = state.data.q[i]
            most = self.data.settings.torque_limit[i]
            self.data.torque[i] = clamp(state.data.torque[i], -most, most) if state.data.has_torque else 0.0
            self.data.observer.dq[i] = state.data.dq[i]
        for j in range(3):
            self.data.place[j] = self.data.reference[j]
        self.data.tank.energy = self.data.settings.tank_begin
        self.data.tank.share = 1.0
        self.data.time = state.data.time
        self.data.cycles = 0
        self.data.tared = 0
        self.data.active = 1

    def tare(self, wrench, q):
        """Take a mean raw sensor reading (6,) at joint positions q (n,), free of contact, as zero force of both channels.

        Whether it was taken: not, with the cause NOT_FREE, when the force has changed since activation: then the tool
        touches something.
        """
        cdef int j
        if len(wrench) != 6 or not np.all(np.isfinite(wrench)):
            raise ValueError(f"a tare needs 6 finite numbers, got {list(wrench)}")
        if len(q) != self.data.model.n or not np.all(np.isfinite(q)):
            raise ValueError(f"a tare needs {self.data.model.n} finite joint positions, got {list(q)}")
        R = self.model.forward(q)[:3, :3]
        sensor = np.array([self.data.settings.sensor_turn[i] for i in range(9)]).reshape(3, 3)
        weight = self.data.settings.tool_mass * sensor.T @ R.T @ np.asarray(self.model.chain.gravity)
        com = [self.data.settings.tool_com[i] for i in range(3)]
        offset = np.asarray(wrench) - np.concatenate([weight, np.cross(com, weight)])
        before = np.array([self.data.tare[j] for j in range(3)])
        if self.data.tared == -1 and np.linalg.norm(offset[:3] - before) > self.data.settings.free_force_max:
            stop(&self.data.contact, &self.data.settings, Cause.NOT_FREE)
            return False
        for j in range(6):
            self.data.tare[j] = offset[j]
        memcpy(self.data.observer.zero, self.data.observer.residual, sizeof(self.data.observer.zero))
        self.data.tared = 1
        return True

    def step(self, ArmState state not None, SetPoint set_point not None, double dt):
        """One cycle: (command, status), the same two objects every time. Never raises for what they hold."""
        controller_step(&self.data, state.data, set_point.data, dt, self.command.data, self.status.data)
        return self.result
