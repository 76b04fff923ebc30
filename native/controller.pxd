"""The controller's memory and its one function. See controller.pyx."""

from massage_arm.native.contact cimport Contact
from massage_arm.native.guard cimport Guard, GuardLimits
from massage_arm.native.law cimport TaskMobility
from massage_arm.native.model cimport MAX_JOINTS, ArmModel, Dynamics, Model
from massage_arm.native.observer cimport Observer
from massage_arm.native.records cimport ArmStateData, Command, CommandData, SetPointData, Status, StatusData
from massage_arm.native.settings cimport Settings
from massage_arm.native.tank cimport Tank

cdef enum:                           # `Limit` in states.py: clamps that bound the command in a cycle
    LIMIT_SET_POINT = 1
    LIMIT_ERROR_CLIP = 2
    LIMIT_FORCE_FEEDBACK = 4
    LIMIT_WRENCH = 8
    LIMIT_POSTURE = 16
    LIMIT_TORQUE = 32
    LIMIT_TORQUE_RATE = 64
    LIMIT_TANK = 128


cdef struct ControllerData:
    Model model
    Settings settings
    GuardLimits limits
    Contact contact
    Guard guard
    Observer observer
    Tank tank
    Dynamics dynamics
    TaskMobility mobility
    SetPointData want                # last set-point that passed the checks
    double stamp                     # validity of the last set-point heard: another one is a new set-point
    double came                      # s, the arm's clock, when it came
    int active
    int tared                        # 1: `tare` is of a free tool; -1: it is what the sensor said at activation
    double seen[MAX_JOINTS]          # last joint positions that passed the checks
    double posture[MAX_JOINTS]
    double tare[6]                   # N, Nm, sensor axes, the tool's weight taken out
    double reference[3]              # m, governed TCP position, base axes
    double attitude[4]               # governed
    double direction[3]              # governed press direction
    double stiffness[3]              # governed: tangential, normal, rotational
    double torque[MAX_JOINTS]        # last commanded
    double time                      # s, the arm's clock, last cycle
    double wrench_time               # s, of the last cycle's sensor sample
    double place[3]                  # m, where the work is, for the guard; base axes
    double touched                   # m beyond the surface as the set-point has it, where the touch was
    double out                       # W that left through the tool, as the torques were clamped
    double springs                   # J in the springs
    int cycles                       # since activation, up to 1
    double limited


cdef void controller_step(ControllerData* c, const ArmStateData* state, const SetPointData* set_point, double dt,
                          CommandData* command, StatusData* status) noexcept nogil


cdef class Controller:
    cdef ControllerData data
    cdef readonly Command command
    cdef readonly Status status
    cdef readonly object settings
    cdef readonly object limits
    cdef readonly object model
    cdef object result
    cdef _stand_for(self, limits)
