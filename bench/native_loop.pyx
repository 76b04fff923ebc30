"""Controller steps in a compiled loop, as another Cython project would take them: without Python in between."""

from massage_arm.native.controller cimport Controller, controller_step
from massage_arm.native.records cimport ArmState, SetPoint


def native_steps(Controller controller, ArmState state, SetPoint set_point, int steps):
    """Take `steps` steps of 1 ms."""
    cdef int i
    with nogil:
        for i in range(steps):
            controller_step(&controller.data, state.data, set_point.data, 0.001, controller.command.data,
                            controller.status.data)
