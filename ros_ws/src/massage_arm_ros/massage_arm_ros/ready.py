"""Whether the arm says that it is ready: fields of topics of its driver, as the profile names them."""

from __future__ import annotations

import importlib
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from .arm_profile import ArmProfile, ReadyCheck

_LATEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE)
_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def spelled(value: object) -> str:
    """As in YAML: `true`, `1`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class ReadyChecks:
    """Listens to every topic that a profile's checks name, as soon as somebody sends on it."""

    def __init__(self, node: Node, profile: ArmProfile) -> None:
        self._node, self._checks = node, profile.ready
        self._heard: dict[str, Any] = {}
        self._listening: set[str] = set()
        self._cannot: dict[str, str] = {}

    def missing(self, simulated: bool) -> str:
        """The sentence of the first check that does not hold; empty: all hold.

        A simulation cannot send the makers' own messages: what it does not send is not asked of it.
        """
        for check in self._checks:
            if simulated and not self._node.count_publishers(check.topic):
                continue
            if why := self._problem(check):
                return why
        return ""

    def _problem(self, check: ReadyCheck) -> str:
        if check.topic not in self._listening and (why := self._listen(check.topic)):
            return f"{why}: {check.said}"
        message = self._heard.get(check.topic)
        if message is None:
            return f"nothing was heard on {check.topic}: {check.said}"
        if not hasattr(message, check.field):
            return (
                f"{check.topic}: {type(message).__name__} has no field {check.field}; the profile is of another driver"
            )
        value = spelled(getattr(message, check.field))
        return "" if value in check.values else f"{check.topic}: {check.field} is {value}: {check.said}"

    def _listen(self, topic: str) -> str:
        """Begin to listen; why that cannot be done."""
        kinds = dict(self._node.get_topic_names_and_types()).get(topic, [])
        if not kinds:
            return f"nobody sends {topic}"
        package, _, name = kinds[0].split("/")
        try:
            kind = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            return f"{topic} has the type {kinds[0]}, which is not installed here"
        senders = self._node.get_publishers_info_by_topic(topic)
        latched = all(s.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for s in senders)
        self._node.create_subscription(
            kind, topic, lambda message: self._heard.__setitem__(topic, message), _LATCHED if latched else _LATEST
        )
        self._listening.add(topic)
        return ""
