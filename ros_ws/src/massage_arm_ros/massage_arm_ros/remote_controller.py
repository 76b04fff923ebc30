"""A `Controller` that runs in another process: what a slow side asks of it goes over services, its status comes in."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from massage_arm.native import ArmModel, ArmState, ControllerSettings, GuardLimits, InputError, Status
from massage_msgs.msg import ControllerStatus
from massage_msgs.srv import Activate, Relimit, Tare
from rclpy.node import Node

from .messages import NEWEST

_ANSWER_S = 2.0  # within which a service must answer


class RemoteController:
    """Stands in for the compiled one; what it is made with tells it the arm's model and settings."""

    def __init__(self, node: Node, model: ArmModel, settings: ControllerSettings, limits: GuardLimits) -> None:
        self.model, self.settings, self.limits = model, settings, limits
        self.status = Status(model.n)
        """As last heard."""
        self._calls = {
            kind: node.create_client(kind, name)
            for kind, name in (
                (Activate, "controller/activate"),
                (Tare, "controller/tare"),
                (Relimit, "controller/relimit"),
            )
        }
        node.create_subscription(ControllerStatus, "controller/status", self._hear, NEWEST)

    def activate(self, state: ArmState) -> None:
        """Begin anew where the arm stands; InputError where that is refused."""
        answer = self._call(Activate, Activate.Request())
        if not answer.done:
            raise InputError(f"activate: {answer.text}")

    def tare(self, wrench: Any, q: Any) -> bool:
        """Take this reading as nothing; `q` the controller knows itself. InputError where it is refused."""
        answer = self._call(Tare, Tare.Request(wrench=np.asarray(wrench, dtype=float)))
        if answer.text:
            raise InputError(f"tare: {answer.text}")
        return bool(answer.done)

    def relimit(self, force_max: float, limits: GuardLimits) -> None:
        """Ask for the limits of the next work; InputError where its controller does not find them in its plan."""
        values = {name: float(value) for name, value in asdict(limits).items()}
        answer = self._call(
            Relimit, Relimit.Request(force_max=force_max, names=list(values), values=list(values.values()))
        )
        if not answer.done:
            raise InputError(f"relimit: {answer.text}")
        self.settings, self.limits = replace(self.settings, force_max=force_max), limits

    def _call(self, kind: Any, request: Any) -> Any:
        client, answered = self._calls[kind], threading.Event()
        if not client.wait_for_service(_ANSWER_S):
            raise InputError(f"{client.srv_name}: nobody offers it; the controller must be configured")
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(_ANSWER_S) or future.result() is None:
            raise InputError(f"{client.srv_name}: no answer within {_ANSWER_S:g} s")
        return future.result()

    def _hear(self, message: ControllerStatus) -> None:
        self.status.values[:] = message.values
