"""The simulated arm: which one a plan names, and how it is read and driven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..control.arm import ArmAbilities
from ..control.plan import RunPlan
from ..native import ArmModel, ArmState, Command, InputError, Plant
from ..urdf import ArmDescription, arm_description, user_arm
from .world import World

Floats = NDArray[np.float64]

PERIOD = 0.001  # s, physics


def describe_arm(plan: RunPlan) -> ArmDescription:
    """The arm that a plan names: one of ours, or a URDF with its tip link. Raises InputError."""
    try:
        if plan.tip is not None:
            arm = user_arm(Path(plan.arm), plan.tip)
            ArmModel.from_urdf(Path(plan.arm), plan.tip, lock=arm.lock)  # its faults, before a tool hides them
            for name, limit in zip(arm.joint_names, arm.torque_limits, strict=True):
                if not 0.0 < limit < np.inf:
                    what = f"{plan.arm}: joint {name}: effort limit {limit:g} is not allowed"
                    raise InputError(f"{what}; a finite number above 0 Nm is")
            return arm
        return arm_description(plan.arm)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(str(error)) from error


class SimulatedArm:
    """The `Arm` that PyBullet moves: hardware model, world and clock."""

    def __init__(self, world: World, plant: Plant, abilities: ArmAbilities) -> None:
        self._world = world
        self.plant = plant
        self.abilities = abilities
        self.steps = 0
        plant.observe(world.joint_states(), 0.0)

    def read(self) -> ArmState:
        """The newest state, the same object every time."""
        state: ArmState = self.plant.state
        return state

    def write(self, command: Command) -> None:
        """Hand over torques for the next cycle."""
        self.plant.command(command)

    def close(self) -> None:
        """Close the world."""
        self._world.close()

    def advance(self, steps: int, late: float, push: Callable[[Floats, Floats], Floats] | None = None) -> None:
        """Let one control cycle of `steps` physics steps pass; `late` [s] is how late the command came in it.

        `push` gives joint torques [Nm] of what else touches the arm, for positions and velocities (n,).
        """
        plant, world = self.plant, self._world
        for k in range(steps):
            share = min(max(late / PERIOD - k, 0.0), 1.0)
            torques = plant.drive(share)
            if push is not None:
                states = world.joint_states()
                more = push(np.array([s[0] for s in states]), np.array([s[1] for s in states]))
                torques = [a + b for a, b in zip(torques, more.tolist(), strict=True)]
            states = world.step(torques)
            self.steps += 1
            plant.observe(states, self.steps * PERIOD)
        plant.end_cycle()
