"""Names of the small integers and bit sets in the records."""

from enum import IntEnum, IntFlag


class Task(IntEnum):
    """What a set-point asks for."""

    HOLD = 0  # stay at the pose, compliant; no pressing
    PRESS = 1  # approach the surface and press
    RELEASE = 2  # let the force out and withdraw


class ContactState(IntEnum):
    """Where the contact is; see `contact.pxd` for the transitions."""

    IDLE = 0
    APPROACH = 1
    TOUCH = 2
    RAMP = 3
    HOLD = 4
    RELEASE = 5
    RETRACT = 6
    FAULT = 7


class Cause(IntFlag):
    """Why the controller let go or refused; bits latch until the next activation."""

    STALE_SET_POINT = 1 << 0
    STALE_SENSOR = 1 << 1
    NOT_FINITE_STATE = 1 << 2
    NOT_FINITE_SET_POINT = 1 << 3
    NOT_FINITE_COMMAND = 1 << 4
    SET_POINT_REFUSED = 1 << 5
    CONTACT_LOST = 1 << 6
    SURFACE_NOT_FOUND = 1 << 7
    OVER_FORCE = 1 << 8
    BAD_DT = 1 << 9
    SINGULAR = 1 << 10


class Limit(IntFlag):
    """Which clamps bound the command in a cycle; informative, not latched."""

    SET_POINT = 1 << 0
    ERROR_CLIP = 1 << 1
    FORCE_FEEDBACK = 1 << 2
    WRENCH = 1 << 3
    POSTURE = 1 << 4
    TORQUE = 1 << 5
    TORQUE_RATE = 1 << 6
