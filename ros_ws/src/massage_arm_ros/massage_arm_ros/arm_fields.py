"""What an arm's profile may hold, key by key."""

from __future__ import annotations

from massage_arm.control.yaml_file import Each, Field, Fields, Variants

UNKNOWN = "unknown"
"""Where nobody has said it; an arm may not press while its wrench or its gravity is unknown."""
PHANTOM_LEVEL = 4
"""Verification level from which a phantom may be pressed: the wrench was checked with a known mass."""
PERSON_LEVEL = 5
"""Highest verification level, without which no person may be pressed: the force was checked on a phantom."""

_SOURCE = Field(str)  # where a fact was read, or the word assumption and why
_RATE = Field(float, 1.0, 10000.0)
_TIMEOUT = Field(float, 1.0, 10000.0)
_RELIABILITY = Field(str, choices=("reliable", "best_effort"))
_FRAME = Field(str, choices=("tcp", "flange", "sensor", "base", UNKNOWN))
_WRENCH = {
    "topic": Field(str),
    "reliability": _RELIABILITY,
    "rate_hz": _RATE,
    "timeout_ms": _TIMEOUT,
    "frame_id": Field(str),
    "point": _FRAME,
    "axes": _FRAME,
    "sign": Field(str, choices=("on_tool", "on_environment", UNKNOWN)),
    "dead_band_n": Field(float, 0.0, 50.0, required=False, default=0.0),
    "source": _SOURCE,
}
_CARRIES = Field(str, choices=("pose", "wrench", "stiffness", "velocity", "position", "effort"))
_COMMAND = {
    "kind": Field(str, choices=("set_points", "force_mode", "velocity", "position", "effort")),
    "controller": Field(str),
    "inputs": Each(
        {
            "carries": Each(_CARRIES),
            "by": Field(str, choices=("topic", "service")),
            "name": Field(str),
            "type": Field(str),
        }
    ),
    "rate_hz": _RATE,
    "timeout_ms": Field(float, 1.0, 10000.0, required=False),
    "when_commands_stop": Field(str, choices=("repeats_last", "holds", "stops", "zero_effort", UNKNOWN)),
    "protects": Field(bool),
    "source": _SOURCE,
}
_NAMED = {"name": Field(str), "said": Field(str)}
_STEPS = Each(
    Variants(
        "do", {"service": _NAMED, "action": _NAMED, "switch_controllers": _NAMED, "operator": {"said": Field(str)}}
    ),
    least=0,
)
_CHECK = {"topic": Field(str), "field": Field(str), "values": Each(Field(str)), "said": Field(str)}
FIELDS: Fields = {
    "name": Field(str),
    "about": Field(str),
    "driver": {"package": Field(str), "version": Field(str), "source": _SOURCE},
    "frames": {"base": Field(str), "flange": Field(str), "source": _SOURCE},
    "joints": {
        "chain": Each(
            {
                "name": Field(str),
                "speed_deg_s": Field(float, 1.0, 1000.0),
                "torque_nm": Field(float, 0.1, 1000.0, required=False),
            }
        ),
        "torque_rate_nm_s": Field(float, 1.0, 100000.0, required=False),
        "source": _SOURCE,
    },
    "joint_states": {
        "topic": Field(str),
        "reliability": _RELIABILITY,
        "rate_hz": _RATE,
        "timeout_ms": _TIMEOUT,
        "effort": Field(
            str,
            choices=("link_torque_with_gravity", "motor_current_a", "gravity_compensated_torque", "none", UNKNOWN),
        ),
        "source": _SOURCE,
    },
    "wrench": Variants("kind", {"estimated": _WRENCH, "sensor": _WRENCH, "none": {"source": _SOURCE}}),
    "gravity": {
        "compensated_by": Field(str, choices=("robot", "robot_without_tool", "us", UNKNOWN)),
        "friction_compensated_by": Field(str, choices=("robot", "us", UNKNOWN)),
        "source": _SOURCE,
    },
    "commands": Each(_COMMAND),
    "ready": {"checks": Each(_CHECK, least=0), "source": _SOURCE},
    "steps": {"settings_while_idle": _STEPS, "stop": _STEPS, "recovery": _STEPS, "source": _SOURCE},
    "traps": Each({"said": Field(str), "source": _SOURCE}, least=0),
    "not_known": Each(Field(str), least=0),
    "verified": {
        "level": Field(int, 0, PERSON_LEVEL),
        "date": Field(str, required=False),
        "operator": Field(str, required=False),
        "hash": Field(str, required=False),
    },
}
