"""The controller's memory and its one function. See controller.pyx."""

from massage_arm.native.contact cimport Contact
from massage_arm.native.law cimport TaskMobility
from massage_arm.native.model cimport MAX_JOINTS, ArmModel, Dynamics, Model
from massage_arm.native.records cimport ArmStateData, Command, CommandData, SetPointData, Status, StatusData
from massage_arm.native.settings cimport Settings


cdef struct ControllerData:
    Model model
    Settings settings
    Contact contact
    Dynamics dynamics
    TaskMobility mobility
    SetPointData want                # last set-point that passed the checks
    int active
    int tared
    double seen[MAX_JOINTS]          # last joint positions that passed the checks
    double posture[MAX_JOINTS]
    double tare[6]                   # N, Nm, sensor axes, the tool's weight taken out
    double reference[3]              # m, governed TCP position, base axes
    double attitude[4]               # governed
    double direction[3]              # governed press direction
    double stiffness[3]              # governed: tangential, normal, rotational
    double torque[MAX_JOINTS]        # last commanded
    double limited


cdef void controller_step(ControllerData* c, const ArmStateData* state, const SetPointData* set_point, double dt,
                          CommandData* command, StatusData* status) noexcept nogil


cdef class Controller:
    cdef ControllerData data
    cdef readonly Command command
    cdef readonly Status status
    cdef readonly object settings
    cdef readonly object model
    cdef object result
