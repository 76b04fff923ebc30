"""The four records that cross the controller, as Python objects over C structs: arrays are views, nothing is copied.

`values` is the whole record as one float64 row; the named arrays are views into it. Fields, units and frames are
described in `records.pxd`.
"""

import numpy as np

from .states import Cause, ContactState, Level, Limit, Task


cdef double* address(object values) except NULL:
    cdef double[::1] view = values
    return &view[0]


cdef int checked(int n) except -1:
    if not 1 <= n <= MAX_JOINTS:
        raise ValueError(f"an arm has 1 to {MAX_JOINTS} joints, got {n}")
    return n


cdef class ArmState:
    """What an arm reports once a cycle."""

    def __init__(self, int n):
        self.n = checked(n)
        self.values = np.zeros(sizeof(ArmStateData) // sizeof(double))
        self.data = <ArmStateData*>address(self.values)

    @property
    def time(self):
        """s, the arm's clock."""
        return self.data.time

    @time.setter
    def time(self, double value):
        self.data.time = value

    @property
    def q(self):
        """(n,) rad, m."""
        return self.values[1:1 + self.n]

    @property
    def dq(self):
        """(n,) rad/s, m/s."""
        return self.values[1 + MAX_JOINTS:1 + MAX_JOINTS + self.n]

    @property
    def torque(self):
        """(n,) Nm, what the arm last applied; meaningful where `has_torque`."""
        return self.values[2 + 2 * MAX_JOINTS:2 + 2 * MAX_JOINTS + self.n]

    @property
    def has_torque(self):
        """Whether `torque` is valid."""
        return self.data.has_torque != 0.0

    @has_torque.setter
    def has_torque(self, bint value):
        self.data.has_torque = value

    @property
    def has_wrench(self):
        """Whether a force sensor has been heard."""
        return self.data.has_wrench != 0.0

    @has_wrench.setter
    def has_wrench(self, bint value):
        self.data.has_wrench = value

    @property
    def wrench_time(self):
        """s, when the sensor sample was taken."""
        return self.data.wrench_time

    @wrench_time.setter
    def wrench_time(self, double value):
        self.data.wrench_time = value

    @property
    def wrench(self):
        """(6,) N, Nm: raw sensor reading, sensor axes."""
        return self.values[4 + 3 * MAX_JOINTS:10 + 3 * MAX_JOINTS]


cdef class SetPoint:
    """What the arm should do now; one atomic record."""

    def __init__(self):
        self.values = np.zeros(sizeof(SetPointData) // sizeof(double))
        self.data = <SetPointData*>address(self.values)
        self.data.quaternion[3] = 1.0
        self.data.press_direction[2] = -1.0

    @property
    def task(self):
        """What is asked: `Task`."""
        return Task(int(self.data.task))

    @task.setter
    def task(self, int value):
        self.data.task = Task(value)

    @property
    def valid_until(self):
        """s, the arm's clock; later than that the set-point is stale."""
        return self.data.valid_until

    @valid_until.setter
    def valid_until(self, double value):
        self.data.valid_until = value

    @property
    def position(self):
        """(3,) m, TCP on the surface as far as it is known, base axes."""
        return self.values[2:5]

    @property
    def quaternion(self):
        """(4,) x y z w, TCP attitude, base axes."""
        return self.values[5:9]

    @property
    def twist(self):
        """(6,) m/s, rad/s feed-forward, base axes."""
        return self.values[9:15]

    @property
    def press_direction(self):
        """(3,) unit vector into the body, base axes."""
        return self.values[15:18]

    @property
    def force(self):
        """N along press_direction."""
        return self.data.force

    @force.setter
    def force(self, double value):
        self.data.force = value

    @property
    def force_rate(self):
        """N/s, how fast the force may change."""
        return self.data.force_rate

    @force_rate.setter
    def force_rate(self, double value):
        self.data.force_rate = value

    @property
    def wave_force(self):
        """N by which the force swings about `force`, a sine."""
        return self.data.wave_force

    @wave_force.setter
    def wave_force(self, double value):
        self.data.wave_force = value

    @property
    def wave_rate(self):
        """Hz at which it swings."""
        return self.data.wave_rate

    @wave_rate.setter
    def wave_rate(self, double value):
        self.data.wave_rate = value

    @property
    def approach_speed(self):
        """m/s towards the surface."""
        return self.data.approach_speed

    @approach_speed.setter
    def approach_speed(self, double value):
        self.data.approach_speed = value

    @property
    def stiffness(self):
        """(3,) tangential N/m, normal N/m, rotational Nm/rad."""
        return self.values[23:26]


cdef class Command:
    """What the controller asks of the arm in one cycle."""

    def __init__(self, int n):
        self.n = checked(n)
        self.values = np.zeros(sizeof(CommandData) // sizeof(double))
        self.data = <CommandData*>address(self.values)

    @property
    def torque(self):
        """(n,) Nm, on top of what the arm compensates itself."""
        return self.values[:self.n]


cdef class Status:
    """What the controller saw and did in one cycle."""

    def __init__(self, int n):
        self.n = checked(n)
        self.values = np.zeros(sizeof(StatusData) // sizeof(double))
        self.data = <StatusData*>address(self.values)

    @property
    def contact_state(self):
        """Where the contact is."""
        return ContactState(int(self.data.contact_state))

    @property
    def causes(self):
        """Why the controller let go or refused; latched."""
        return Cause(int(self.data.causes))

    @property
    def limited(self):
        """Which clamps bound this cycle's command."""
        return Limit(int(self.data.limited))

    @property
    def position(self):
        """(3,) m, TCP, base axes."""
        return self.values[2:5]

    @property
    def quaternion(self):
        """(4,) x y z w, TCP."""
        return self.values[5:9]

    @property
    def twist(self):
        """(6,) m/s, rad/s, TCP, base axes."""
        return self.values[9:15]

    @property
    def wrench(self):
        """(6,) N, Nm: environment on the tool, TCP, tool axes."""
        return self.values[15:21]

    @property
    def force_measured(self):
        """N along the press direction, filtered."""
        return self.data.force_measured

    @property
    def force_reference(self):
        """N after clamp and slew."""
        return self.data.force_reference

    @property
    def force_feedback(self):
        """N, the PI part."""
        return self.data.force_feedback

    @property
    def set_position(self):
        """(3,) m, after the governor."""
        return self.values[24:27]

    @property
    def set_quaternion(self):
        """(4,) x y z w, after the governor."""
        return self.values[27:31]

    @property
    def wrench_command(self):
        """(6,) N, Nm at the TCP, base axes."""
        return self.values[31:37]

    @property
    def torque_task(self):
        """(n,) Nm."""
        return self.values[37:37 + self.n]

    @property
    def torque_posture(self):
        """(n,) Nm."""
        return self.values[37 + MAX_JOINTS:37 + MAX_JOINTS + self.n]

    @property
    def torque_walls(self):
        """(n,) Nm."""
        return self.values[37 + 2 * MAX_JOINTS:37 + 2 * MAX_JOINTS + self.n]

    @property
    def torque_bias(self):
        """(n,) Nm."""
        return self.values[37 + 3 * MAX_JOINTS:37 + 3 * MAX_JOINTS + self.n]

    @property
    def torque_share(self):
        """Largest |torque| / limit."""
        return self.data.torque_share

    @property
    def weakest_direction(self):
        """Smallest pivot of J M^-1 J^T; 0 at a singularity."""
        return self.data.weakest_direction

    @property
    def level(self):
        """`Level` of the latched causes."""
        return Level(int(self.data.level))

    @property
    def force_joints(self):
        """N along the press direction as the joints feel it; NaN where they cannot tell."""
        return self.data.force_joints if self.data.force_joints_valid != 0.0 else float("nan")

    @property
    def off_tool(self):
        """Nm, the largest joint torque that no force at the tool explains."""
        return self.data.off_tool

    @property
    def tank(self):
        """J that the controller may still spend."""
        return self.data.tank

    @property
    def tissue_stiffness(self):
        """N/m at the tool; 0: not known."""
        return self.data.tissue_stiffness

    @property
    def press_direction(self):
        """(3,) unit, into the body, after the governor, base axes."""
        return self.values[46 + 4 * MAX_JOINTS:49 + 4 * MAX_JOINTS]
