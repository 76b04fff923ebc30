"""The four records that cross the controller: all doubles, so that one is logged, checked and copied as one row."""

from massage_arm.native.model cimport MAX_JOINTS


cdef struct ArmStateData:
    double time                      # s, the arm's clock
    double q[MAX_JOINTS]             # rad, m
    double dq[MAX_JOINTS]
    double has_torque                # 1: `torque` is what the arm last applied
    double torque[MAX_JOINTS]        # Nm
    double has_wrench                # 1: a force sensor is present and has been heard
    double wrench_time               # s, when the sensor sample was taken
    double wrench[6]                 # raw: force, moment, what is beyond the sensor does to it, sensor axes


cdef struct SetPointData:
    double task                      # Task
    double valid_until               # s, the arm's clock
    double position[3]               # m, TCP: where the surface is thought to be, base axes
    double quaternion[4]             # TCP attitude, base axes
    double twist[6]                  # m/s, rad/s: feed-forward, base axes
    double press_direction[3]        # unit, into the body, base axes
    double force                     # N along press_direction, >= 0
    double force_rate                # N/s, how fast the force may change
    double wave_force                # N by which the force swings about `force`, a sine
    double wave_rate                 # Hz of it
    double approach_speed            # m/s
    double stiffness_tangential      # N/m
    double stiffness_normal          # N/m, along press_direction while in contact
    double stiffness_rotational      # Nm/rad


cdef struct CommandData:
    double torque[MAX_JOINTS]        # Nm, on top of what the arm compensates itself


cdef struct StatusData:
    double contact_state             # ContactState
    double causes                    # bit set of Cause
    double position[3]               # m, TCP, base axes, from the measured joints
    double quaternion[4]
    double twist[6]
    double wrench[6]                 # N, Nm: environment on the tool, TCP, tool axes, tared, unfiltered
    double force_measured            # N along the press direction, filtered; pressing is positive
    double force_reference           # N, after clamp and slew
    double force_feedback            # N, the PI part
    double set_position[3]           # m, after governor and approach motion
    double set_quaternion[4]
    double wrench_command[6]         # N, Nm at the TCP, base axes: what the law asks of the environment's place
    double torque_task[MAX_JOINTS]   # J^T wrench_command
    double torque_posture[MAX_JOINTS]
    double torque_walls[MAX_JOINTS]
    double torque_bias[MAX_JOINTS]
    double torque_share              # max |torque| / limit
    double weakest_direction         # smallest pivot of J M^-1 J^T [1/kg, 1/(kg m²)]: 0 at a singularity
    double limited                   # bit set of Limit that bound this cycle
    double level                     # Level of the latched causes
    double force_joints              # N along the press direction, as the joints feel it; 0 unless valid
    double force_joints_valid        # 1: the line above can be believed
    double off_tool                  # Nm, largest joint torque that no force at the tool explains
    double tank                      # J left
    double tissue_stiffness          # N/m at the tool, told from how far it moves with the asked force; 0: not known
    double press_direction[3]        # unit, governed, base axes


cdef class ArmState:
    cdef ArmStateData* data
    cdef readonly object values
    cdef readonly int n

cdef class SetPoint:
    cdef SetPointData* data
    cdef readonly object values

cdef class Command:
    cdef CommandData* data
    cdef readonly object values
    cdef readonly int n

cdef class Status:
    cdef StatusData* data
    cdef readonly object values
    cdef readonly int n
