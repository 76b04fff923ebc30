"""What the command ends with, besides 0."""

STOPPED = GOAL_MISSED = RULED_OUT = 1
BAD_INPUT = 2
INTERRUPTED = 130
