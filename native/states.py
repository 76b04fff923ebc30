"""Names of the small integers and bit sets in the records."""

from collections.abc import Mapping
from enum import IntEnum, IntFlag


class Task(IntEnum):
    """What a set-point asks for."""

    HOLD = 0  # stay at the pose, compliant; no pressing
    PRESS = 1  # approach the surface and press
    RELEASE = 2  # let the force out and withdraw
    STOP = 3  # the same at once, and nothing more before the next activation


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


class Level(IntEnum):
    """What a cause leads to; the higher one wins. In order of haste (docs/safety_case.md, Stops)."""

    NONE = 0  # no cause is latched
    RELEASE = 1  # S1: let the force out at release_rate, withdraw
    DROP = 2  # S2: force gone as fast as the torques may change, withdraw
    COMPLIANT = 3  # S3: no springs, no force, no way out that can be trusted; push outwards only while force is felt


class Cause(IntFlag):
    """Why the controller let go or refused; bits latch until the next activation."""

    STALE_SET_POINT = 1 << 0  # set-points stopped coming
    STALE_SENSOR = 1 << 1  # the force sensor is silent, its time is wrong, or what it says is no number
    NOT_FINITE_STATE = 1 << 2  # NaN among the joints, or a number that no arm reports
    NOT_FINITE_SET_POINT = 1 << 3  # NaN, or a number beyond all sense
    NOT_FINITE_COMMAND = 1 << 4  # the law gave NaN
    SET_POINT_REFUSED = 1 << 5  # unknown task, not a rotation, a negative amount
    CONTACT_LOST = 1 << 6  # pressing into nothing
    SURFACE_NOT_FOUND = 1 << 7  # searched as deep and as long as allowed
    OVER_FORCE = 1 << 8  # measured force above the hard stop
    BAD_DT = 1 << 9  # the loop itself was late
    SINGULAR = 1 << 10  # the arm cannot be solved for
    SET_POINT_JUMP = 1 << 11  # a set-point turned at once, or leapt while pressing
    CLOCK = 1 << 12  # the arm's clock leapt or stands
    STATE_JUMP = 1 << 13  # a joint moved as its own speed does not explain, or as no arm does
    OVER_SPEED = 1 << 14  # tool or joint faster than allowed
    OUTSIDE = 1 << 15  # tool too far from where the work is
    TOO_DEEP = 1 << 16  # deeper since the touch than allowed
    OVER_POWER = 1 << 17  # more power into the body than allowed
    OVER_CAP = 1 << 18  # above the comfort cap, or far above what is asked, by either force channel
    FORCE_JUMP = 1 << 19  # force changed faster than tissue can
    SENSOR_FROZEN = 1 << 20  # fresh stamps on a reading that never changes
    SENSOR_DISAGREES = 1 << 21  # sensor and joints tell different forces
    COLLISION = 1 << 22  # something pushes the arm elsewhere than at the tool
    OSCILLATION = 1 << 23  # the force swings about its reference
    FORCE_NOT_REACHED = 1 << 24  # the force stays away from its reference
    NOT_FREE = 1 << 25  # force on the tool before anything was pressed
    STILL_PUSHING = 1 << 26  # stopped, and yet the command pushes
    STOP_ASKED = 1 << 27  # somebody asked for a stop


RESPONSE: Mapping[Cause, Level] = {
    Cause.STOP_ASKED: Level.RELEASE,
    Cause.NOT_FREE: Level.RELEASE,
    Cause.STALE_SET_POINT: Level.RELEASE,
    Cause.NOT_FINITE_SET_POINT: Level.RELEASE,
    Cause.SET_POINT_REFUSED: Level.RELEASE,
    Cause.SET_POINT_JUMP: Level.RELEASE,
    Cause.SURFACE_NOT_FOUND: Level.RELEASE,
    Cause.OSCILLATION: Level.RELEASE,
    Cause.FORCE_NOT_REACHED: Level.RELEASE,
    Cause.BAD_DT: Level.RELEASE,
    Cause.CLOCK: Level.RELEASE,
    Cause.TOO_DEEP: Level.RELEASE,
    Cause.OVER_POWER: Level.RELEASE,
    Cause.OVER_CAP: Level.DROP,
    Cause.STALE_SENSOR: Level.DROP,
    Cause.CONTACT_LOST: Level.DROP,
    Cause.OVER_FORCE: Level.DROP,
    Cause.FORCE_JUMP: Level.DROP,
    Cause.SENSOR_FROZEN: Level.DROP,
    Cause.SENSOR_DISAGREES: Level.DROP,
    Cause.OVER_SPEED: Level.DROP,
    Cause.OUTSIDE: Level.DROP,
    Cause.COLLISION: Level.COMPLIANT,
    Cause.STATE_JUMP: Level.COMPLIANT,
    Cause.SINGULAR: Level.COMPLIANT,
    Cause.NOT_FINITE_STATE: Level.COMPLIANT,
    Cause.NOT_FINITE_COMMAND: Level.COMPLIANT,
    Cause.STILL_PUSHING: Level.COMPLIANT,
}
"""What follows on each cause: the one table, which the compiled controller is filled from."""


class Limit(IntFlag):
    """Which clamps bound the command in a cycle; informative, not latched."""

    SET_POINT = 1 << 0
    ERROR_CLIP = 1 << 1
    FORCE_FEEDBACK = 1 << 2
    WRENCH = 1 << 3
    POSTURE = 1 << 4
    TORQUE = 1 << 5
    TORQUE_RATE = 1 << 6
    TANK = 1 << 7
