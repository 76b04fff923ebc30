"""What stands between a command and the motion of a simulated arm, and between the world and what the arm reports.

Actuators (delay, lag, friction, gravity compensation with a residual), encoders, wrist force sensor, breathing and
tissue. The rigid-body motion itself is the physics engine's; each step goes `drive` -> engine -> `observe`.
"""

from libc.math cimport fabs, floor
from libc.string cimport memcpy, memmove, memset

from massage_arm.native.maths cimport clamp, cross, exponential, rotate, rotate_back, sin_cos, symmetric_times
from massage_arm.native.model cimport MAX_JOINTS, ArmModel, Dynamics, Model, add_weight, model_dynamics
from massage_arm.native.records cimport ArmState, ArmStateData, Command
from massage_arm.native.person cimport Person, PersonData
from massage_arm.native.tissue cimport Tissue, TissueData
from massage_arm.native.touch cimport Touch, touch_step

import numpy as np

cdef enum:
    SENSOR_RING = 64
    MAX_DELAY = 8
    NOISE_BLOCK = 1000
    NOISE_WIDTH = 7


cdef struct PlantData:
    double coulomb[MAX_JOINTS]       # Nm
    double viscous[MAX_JOINTS]       # Nms/rad
    double residual[MAX_JOINTS]      # Nm of gravity that the arm fails to compensate
    double phase[MAX_JOINTS]         # rad
    double presliding                # rad before a joint breaks away
    double lag                       # s
    double encoder                   # rad per count; 0: exact
    double velocity_filter           # s
    double noise_force               # N
    double noise_moment              # Nm
    double quantum_force             # N
    double quantum_moment            # Nm
    double drift[6]                  # N/s, Nm/s
    double breath                    # m
    double breath_rate               # rad/s
    double breath_phase              # rad
    double shift_from                # m, of the skin besides breathing, when it began to move last
    double shift_to                  # m
    double shift_begin               # s
    double shift_time                # s
    double roll_from                 # rad, of the body about the line it lies on, when it began to roll last
    double roll_to                   # rad
    double roll_begin                # s
    double roll_time                 # s
    double tool_mass                 # kg beyond the sensor
    double tool_com[3]               # m, of the same, seen from the TCP, tool axes
    double tool_inertia[6]           # kg m², of the same, about its com, tool axes
    double payload_mass              # kg that the arm's own compensation does not know
    double payload_com[3]            # m, of the same, seen from the TCP, tool axes
    double sensor_turn[9]            # sensor axes to tool axes
    double sensor_shift[3]           # m, sensor origin seen from the TCP, tool axes
    double base_turn[9]              # base axes to body axes
    double base_shift[3]             # m, base origin in the body frame
    int compensates                  # 1: the arm carries gravity, but for a payload
    int delay                        # whole control cycles
    int sensor_delay                 # physics steps


cdef inline double smoothly(double a, double b, double since, double lasting, double* rate) noexcept nogil:
    """From a to b within `lasting`, and the rate: minimum jerk (Flash and Hogan 1985)."""
    cdef double x = clamp(since / lasting, 0.0, 1.0)
    rate[0] = (b - a) * 30.0 * x * x * (1.0 - x) * (1.0 - x) / lasting
    return a + (b - a) * x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)


cdef inline void about_x(double angle, double* a) noexcept nogil:
    """Turn a vector about x."""
    cdef double s, c, y
    sin_cos(angle, &s, &c)
    y = a[1]
    a[1] = c * y - s * a[2]
    a[2] = s * y + c * a[2]


cdef class Plant:
    """A simulated arm's hardware on top of a rigid-body engine.

    Reports into `state`; the truth of the last step is in `truth` (24,): TCP position (3) and velocity (3) in body
    axes, force on the tool (3) in body axes, depth, lift of the surface, sensor drift (6); then of the person: pressure
    over threshold, pain, tone, release, softening, shift of the beat interval [s], beats so far.
    """

    cdef Model model
    cdef Dynamics dynamics
    cdef PlantData p
    cdef Tissue tissue
    cdef Person person
    cdef Touch touch
    cdef readonly ArmState state
    cdef readonly object truth
    cdef double* true_row
    cdef double q[MAX_JOINTS]
    cdef double dq[MAX_JOINTS]
    cdef double bristle[MAX_JOINTS]
    cdef double sent[MAX_DELAY + 1][MAX_JOINTS]  # Nm, the newest command first, then as of each cycle before
    cdef double applied[MAX_JOINTS]
    cdef double counted[MAX_JOINTS]
    cdef double contact[3]           # N on the tool, base axes
    cdef double momentum[6]          # kg m/s, kg m²/s about the com: what hangs on the sensor, last step, base axes
    cdef double ring[SENSOR_RING][7]
    cdef object rng
    cdef object noise
    cdef double* noise_row
    cdef int used
    cdef long steps
    cdef double period

    def __init__(self, ArmModel model, Tissue tissue, Person person, rng, double period, **numbers):
        cdef int n = model.n
        memset(&self.p, 0, sizeof(PlantData))
        self.model = model.model
        self.tissue = tissue
        self.person = person
        if person.data.period != period:
            raise ValueError(f"the person's period {person.data.period} s: that of the plant, {period} s, is allowed")
        self.rng = rng
        self.period = period
        self.state = ArmState(n)
        self.truth = np.zeros(24)
        cdef double[::1] view = self.truth
        self.true_row = &view[0]
        self.used = NOISE_BLOCK
        for i in range(n):
            self.p.coulomb[i] = numbers["coulomb"][i]
            self.p.viscous[i] = numbers["viscous"][i]
            self.p.residual[i] = numbers["residual"][i]
            self.p.phase[i] = numbers["phase"][i]
        self.p.presliding = numbers["presliding"]
        self.p.lag = numbers["lag"]
        self.p.encoder = numbers["encoder"]
        self.p.velocity_filter = numbers["velocity_filter"]
        self.p.noise_force = numbers["noise_force"]
        self.p.noise_moment = numbers["noise_moment"]
        self.p.quantum_force = numbers["quantum_force"]
        self.p.quantum_moment = numbers["quantum_moment"]
        self.p.breath = numbers["breath"]
        self.p.breath_rate = numbers["breath_rate"]
        self.p.breath_phase = numbers["breath_phase"]
        self.p.shift_time = self.p.roll_time = 1.0
        self.touch = Touch(numbers["tip_radius"], numbers["contact_radius"], period, 0.0)
        self.p.tool_mass = numbers["tool_mass"]
        self.p.payload_mass = numbers["payload_mass"]
        self.p.compensates = numbers["compensates"]
        self.p.delay = numbers["delay"]
        self.p.sensor_delay = numbers["sensor_delay"]
        if not 0 <= self.p.delay <= MAX_DELAY:
            raise ValueError(f"actuator delay of {self.p.delay} cycles: 0 to {MAX_DELAY} are allowed")
        if not 0 <= self.p.sensor_delay < SENSOR_RING:
            raise ValueError(f"sensor delay of {self.p.sensor_delay} steps: 0 to {SENSOR_RING - 1} are allowed")
        sensor = np.asarray(numbers["sensor"], dtype=float)
        base = numbers["base"]
        com = sensor[:3, :3] @ numbers["tool_com"] + sensor[:3, 3]
        inertia = sensor[:3, :3] @ numbers["tool_inertia"] @ sensor[:3, :3].T
        for i, (j, k) in enumerate([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]):
            self.p.tool_inertia[i] = inertia[j, k]
        for i in range(3):
            self.p.tool_com[i] = com[i]
            self.p.payload_com[i] = numbers["payload_com"][i]
            self.p.sensor_shift[i] = sensor[i, 3]
            self.p.base_shift[i] = base[i, 3]
            for j in range(3):
                self.p.sensor_turn[3 * i + j] = sensor[i, j]
                self.p.base_turn[3 * i + j] = base[i, j]
        for i in range(6):
            self.p.drift[i] = numbers["drift"][i]

    def shift_skin(self, double to, double seconds):
        """Let the skin move to `to` [m] above its rest, smoothly within `seconds` from now on, besides breathing."""
        if not (seconds > 0.0 and fabs(to) < 0.5):
            raise ValueError(f"a shift to {to} m in {seconds} s: less than 0.5 m, in more than 0 s, is allowed")
        cdef double rate = 0.0
        cdef double now = self.state.data.time
        self.p.shift_from = self.shift(now, &rate)
        self.p.shift_to = to
        self.p.shift_begin = now
        self.p.shift_time = seconds

    def roll(self, double to, double seconds):
        """Let the body roll to `to` [rad] about the x axis of the body frame, smoothly within `seconds` from now on."""
        if not (seconds > 0.0 and fabs(to) < 1.6):
            raise ValueError(f"a roll to {to} rad in {seconds} s: less than 1.6 rad, in more than 0 s, is allowed")
        cdef double rate = 0.0
        cdef double now = self.state.data.time
        self.p.roll_from = self.rolled(now, &rate)
        self.p.roll_to = to
        self.p.roll_begin = now
        self.p.roll_time = seconds

    cdef double shift(self, double time, double* rate) noexcept nogil:
        """Where the skin is besides breathing [m], and its speed."""
        return smoothly(self.p.shift_from, self.p.shift_to, time - self.p.shift_begin, self.p.shift_time, rate)

    cdef double rolled(self, double time, double* rate) noexcept nogil:
        """How far the body is rolled [rad], and its speed."""
        return smoothly(self.p.roll_from, self.p.roll_to, time - self.p.roll_begin, self.p.roll_time, rate)

    cdef double* next_noise(self):
        cdef double[:, ::1] view
        if self.used == NOISE_BLOCK:
            self.noise = self.rng.standard_normal((NOISE_BLOCK, NOISE_WIDTH))
            view = self.noise
            self.noise_row = &view[0, 0]
            self.used = 0
        self.used += 1
        return self.noise_row + (self.used - 1) * NOISE_WIDTH

    def command(self, Command command):
        """Hand over a command; it acts after the actuator's delay, and `state` reports it from the next step on."""
        memcpy(self.sent[0], command.data.torque, sizeof(self.sent[0]))

    def begin_with(self, Command command):
        """Let a command have acted for long: as an arm whose brakes open once its torques are there."""
        for k in range(MAX_DELAY + 1):
            memcpy(self.sent[k], command.data.torque, sizeof(self.sent[0]))
        memcpy(self.applied, command.data.torque, sizeof(self.applied))
        memcpy(self.state.data.torque, command.data.torque, sizeof(self.applied))

    def end_cycle(self):
        """Age every command by a cycle; call once per control cycle, after its physics steps.

        The newest one stays: in a cycle without a command it counts as sent again.
        """
        memmove(self.sent[1], self.sent[0], MAX_DELAY * sizeof(self.sent[0]))

    def drive(self, double late):
        """Joint torques for the next physics step: a list of n.

        `late` (0..1) is the share of this step for which the previous command still acts. With a delay it has no
        effect: such an arm takes commands over at the ends of its own cycles, and one that is late within its cycle
        is there in time for that.
        """
        cdef double u, slip, friction, s, c
        cdef double h = self.period
        cdef double follow = 1.0 if self.p.lag == 0.0 else 1.0 - exponential(-h / self.p.lag)
        cdef const double* due = self.sent[self.p.delay]
        cdef int i, j
        torques = []
        for i in range(self.model.n):
            u = due[i] if self.p.delay else late * self.sent[1][i] + (1.0 - late) * due[i]
            self.applied[i] += follow * (u - self.applied[i])
            u = self.applied[i]
            if self.p.coulomb[i] > 0.0:
                # Dahl 1968, semi-implicit: the bristle stretches up to the Coulomb torque and then slides.
                slip = self.dq[i] * h / self.p.presliding
                self.bristle[i] = (self.bristle[i] + slip) / (1.0 + fabs(slip))
                u -= self.p.coulomb[i] * self.bristle[i]
            u -= self.p.viscous[i] * self.dq[i]
            if self.p.compensates:
                sin_cos(self.q[i] + self.p.phase[i], &s, &c)
                u += self.dynamics.bias[i] + self.p.residual[i] * s
            for j in range(3):
                u += self.dynamics.jacobian[j][i] * self.contact[j]
            torques.append(u)
        return torques

    def observe(self, states, double time):
        """Take the engine's joint states, a sequence of (position, velocity, …), and fill `state` and `truth`."""
        cdef int i
        for i in range(self.model.n):
            joint = states[i]
            self.q[i] = joint[0]
            self.dq[i] = joint[1]
        cdef double* noise = self.next_noise()
        self._observe(noise, time)

    cdef void _observe(self, double* noise, double time) noexcept nogil:
        cdef double zero[MAX_JOINTS]
        cdef double twist[6]
        cdef double p[3]
        cdef double v[3]
        cdef double f[3]
        cdef double s, c, x, lift
        cdef double lift_rate = 0.0
        cdef double roll_rate = 0.0
        cdef double at[3]
        cdef double roll
        cdef int i, j
        cdef double h = self.period
        cdef ArmStateData* report = self.state.data
        memset(zero, 0, sizeof(zero))
        model_dynamics(&self.model, self.q, zero, self.model.gravity, &self.dynamics)
        # What the arm's own compensation adds is the weight of all but the payload.
        add_weight(&self.dynamics, self.model.n, -self.p.payload_mass, self.p.payload_com, self.model.gravity,
                   self.dynamics.bias)
        for j in range(6):
            twist[j] = 0.0
            for i in range(self.model.n):
                twist[j] += self.dynamics.jacobian[j][i] * self.dq[i]
        self.sense(noise, time, twist)
        rotate(self.p.base_turn, self.dynamics.k.tip.position, p)
        for j in range(3):
            p[j] += self.p.base_shift[j]
        rotate(self.p.base_turn, twist, v)
        sin_cos(self.p.breath_rate * time + self.p.breath_phase, &s, &c)
        lift = self.shift(time, &lift_rate) + self.p.breath * s
        lift_rate += self.p.breath * self.p.breath_rate * c
        roll = self.rolled(time, &roll_rate)
        memcpy(at, p, sizeof(at))
        memcpy(self.true_row + 3, v, sizeof(v))
        if roll != 0.0 or roll_rate != 0.0:
            v[1] += roll_rate * p[2]
            v[2] -= roll_rate * p[1]
            about_x(-roll, at)
            about_x(-roll, v)
        self.press_person(noise[6], at, v, lift, lift_rate, f)
        if roll != 0.0:
            about_x(roll, f)
        rotate_back(self.p.base_turn, f, self.contact)
        for j in range(3):
            self.true_row[j] = p[j]
            self.true_row[6 + j] = f[j]
        report.time = time
        for i in range(self.model.n):
            x = self.q[i]
            if self.p.encoder > 0.0:
                x = floor(x / self.p.encoder + 0.5) * self.p.encoder
                if self.steps > 0:
                    report.dq[i] += ((x - self.counted[i]) / h - report.dq[i]) * h \
                        / (self.p.velocity_filter + h)
            else:
                report.dq[i] = self.dq[i]
            self.counted[i] = x
            report.q[i] = x
            report.torque[i] = self.sent[0][i]
        report.has_torque = 1.0
        self.steps += 1

    cdef void press_person(self, double noise, const double* p, const double* v, double lift, double lift_rate,
                           double* force) noexcept nogil:
        """Force of the person on the tip at p moving with v [body axes], and what it does to them."""
        cdef TissueData* t = &self.tissue.data
        cdef PersonData* person = &self.person.data
        if touch_step(&self.touch, t, person, p, v, lift, lift_rate, 0.0, noise, force):
            self.true_row[23] += 1.0
        self.true_row[9] = t.depth
        self.true_row[10] = lift
        self.true_row[17] = person.share
        self.true_row[18] = person.pain
        self.true_row[19] = person.tone
        self.true_row[20] = t.place.release
        self.true_row[21] = t.place.softening
        self.true_row[22] = person.vagal_shift + person.arousal_shift

    cdef void tool_load(self, const double* twist, double* wrench) noexcept nogil:
        """Weight and inertia of what hangs on the sensor: force and moment about its com, base axes.

        The loss of momentum over the last step, so that force and motion keep the same balance as in the engine.
        """
        cdef const double* R = self.dynamics.k.tip.rotation
        cdef double com[3]
        cdef double turning[3]
        cdef double momentum[6]
        cdef int j
        rotate(R, self.p.tool_com, com)
        cross(twist + 3, com, turning)
        for j in range(3):
            momentum[j] = self.p.tool_mass * (twist[j] + turning[j])
        rotate_back(R, twist + 3, com)
        symmetric_times(self.p.tool_inertia, com, turning)
        rotate(R, turning, momentum + 3)
        for j in range(6):
            wrench[j] = self.p.tool_mass * self.model.gravity[j] if j < 3 else 0.0
            if self.steps > 0:
                wrench[j] -= (momentum[j] - self.momentum[j]) / self.period
            self.momentum[j] = momentum[j]

    cdef void sense(self, double* noise, double time, const double* twist) noexcept nogil:
        """The wrist sensor: contact, weight and inertia of what hangs on it; noise, drift, steps and delay."""
        cdef double load[6]
        cdef double pull[3]
        cdef double force[3]
        cdef double moment[3]
        cdef double more[3]
        cdef double reading[6]
        cdef double* slot = self.ring[self.steps % SENSOR_RING]
        cdef const double* R = self.dynamics.k.tip.rotation
        cdef ArmStateData* report = self.state.data
        cdef double quantum, x
        cdef int j
        cdef long then
        self.tool_load(twist, load)
        rotate_back(R, load, pull)
        rotate_back(R, load + 3, moment)
        rotate_back(R, self.contact, force)
        # About the TCP, where the contact has no moment, then about the sensor.
        cross(self.p.tool_com, pull, more)
        for j in range(3):
            moment[j] += more[j]
            force[j] += pull[j]
        cross(force, self.p.sensor_shift, more)
        for j in range(3):
            moment[j] += more[j]
        rotate_back(self.p.sensor_turn, force, reading)
        rotate_back(self.p.sensor_turn, moment, reading + 3)
        slot[0] = time
        for j in range(6):
            self.true_row[11 + j] = self.p.drift[j] * time
            quantum = self.p.quantum_force if j < 3 else self.p.quantum_moment
            x = reading[j] + (self.p.noise_force if j < 3 else self.p.noise_moment) * noise[j]
            x += self.p.drift[j] * time
            slot[1 + j] = floor(x / quantum + 0.5) * quantum if quantum > 0.0 else x
        then = self.steps - self.p.sensor_delay
        if then >= 0:
            slot = self.ring[then % SENSOR_RING]
            report.has_wrench = 1.0
            report.wrench_time = slot[0]
            for j in range(6):
                report.wrench[j] = slot[1 + j]
