"""The PyBullet world: table, stand, arm with its tool and the person to look at; torques in, joint states out."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..control.body import Body
from ..native import InputError
from ..urdf import stand_urdf, table_urdf
from .bullet import BulletClient, pybullet, silent

Floats = NDArray[np.float64]

TABLE_HEIGHT = 0.70  # m
SKIN = (0.87, 0.68, 0.56, 1.0)


class World:
    """One Bullet client with its own clock of `period` seconds; nothing in it moves but the arm."""

    def __init__(
        self,
        arm_urdf: str,
        joint_names: Sequence[str],
        base: Floats,
        body: Body | None,
        period: float,
        *,
        gui: bool = False,
        pictured: bool = True,
    ) -> None:
        """`arm_urdf`: text of the arm with its tool; `base` (4, 4): its base in the world; gravity is Earth's.

        Without `pictured`, what only the eye needs is not loaded, which takes a third of a second for some arms.
        Raises InputError when a window is asked for and there is no display.
        """
        if gui and sys.platform == "linux" and not os.environ.get("DISPLAY"):
            raise InputError("--gui needs a display: DISPLAY is not set; run without --gui, the report has a picture")
        with silent(1):
            self.bullet = BulletClient(pybullet.GUI if gui else pybullet.DIRECT)
        self._client: int = self.bullet._client
        self._flags = pybullet.URDF_USE_INERTIA_FROM_FILE
        if not pictured:
            self._flags |= pybullet.URDF_IGNORE_VISUAL_SHAPES
        self.bullet.setGravity(0.0, 0.0, -9.81)
        self.bullet.setTimeStep(period)
        self.bullet.setRealTimeSimulation(0)
        self._load(table_urdf(TABLE_HEIGHT), (0.0, 0.0, 0.0))
        stand = self._load(stand_urdf(float(base[2, 3])), (base[0, 3], base[1, 3], 0.0))
        self.arm = self._load(arm_urdf, base[:3, 3], _quaternion(base[:3, :3]))
        self._unseen = body
        if gui:
            self._show_body()
        self._drop_collisions(stand)
        self._make_rigid()
        self.joints = self._joints(joint_names)
        self._torque_mode = pybullet.TORQUE_CONTROL
        # Bullet's default motors would hold the arm: a torque-controlled arm has none.
        self.bullet.setJointMotorControlArray(
            self.arm, self.joints, pybullet.VELOCITY_CONTROL, forces=[0.0] * len(self.joints)
        )

    def place(self, q: Floats) -> None:
        """Put the arm at rest at q (n,)."""
        for joint, position in zip(self.joints, q, strict=True):
            self.bullet.resetJointState(self.arm, joint, position, 0.0)

    def add_tool_mass(self, mass: float) -> None:
        """Make the tool heavier or, below 0, lighter [kg]."""
        for link in range(self.bullet.getNumJoints(self.arm)):
            if self.bullet.getJointInfo(self.arm, link)[12] == b"tool":
                now = self.bullet.getDynamicsInfo(self.arm, link)[0]
                self.bullet.changeDynamics(self.arm, link, mass=max(1e-3, now + mass))

    def joint_states(self) -> Sequence[Any]:
        """Bullet's joint states, in the order of the chain."""
        states: Sequence[Any] = pybullet.getJointStates(self.arm, self.joints, physicsClientId=self._client)
        return states

    def step(self, torques: list[float]) -> Sequence[Any]:
        """Apply joint torques (n) for one period; the joint states after it."""
        # Module functions with the client's number: BulletClient's wrapper costs a microsecond a call.
        client = self._client
        pybullet.setJointMotorControlArray(
            self.arm, self.joints, self._torque_mode, forces=torques, physicsClientId=client
        )
        pybullet.stepSimulation(physicsClientId=client)
        states: Sequence[Any] = pybullet.getJointStates(self.arm, self.joints, physicsClientId=client)
        return states

    def picture(self, at: Floats, width: int = 960, height: int = 600) -> bytes:
        """A PNG of the scene seen over `at` (3,) [m, world]; does not disturb the simulation."""
        self._show_body()
        side = -1.0 if at[1] > 0.0 else 1.0
        view = self.bullet.computeViewMatrix(
            [at[0] + 0.75, at[1] + side * 1.35, at[2] + 0.75], [at[0] - 0.15, at[1], at[2] + 0.05], [0, 0, 1]
        )
        lens = self.bullet.computeProjectionMatrixFOV(48.0, width / height, 0.05, 6.0)
        _, _, pixels, _, _ = self.bullet.getCameraImage(
            width,
            height,
            view,
            lens,
            lightDirection=[0.6, side * 1.0, 2.0],
            shadow=1,
            renderer=pybullet.ER_TINY_RENDERER,
        )
        image = np.asarray(pixels, np.uint8).reshape(height, width, 4)[:, :, :3]
        out = io.BytesIO()
        Image.fromarray(image).save(out, "PNG")
        return out.getvalue()

    def close(self) -> None:
        """Disconnect; may be called twice."""
        if self.bullet.isConnected():
            self.bullet.disconnect()

    def _load(self, urdf: str, position: Sequence[float] | Floats, quaternion: Sequence[float] = (0, 0, 0, 1)) -> int:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.urdf"
            file.write_text(urdf)
            return int(
                self.bullet.loadURDF(
                    str(file),
                    list(position),
                    list(quaternion),
                    useFixedBase=True,
                    flags=self._flags,
                )
            )

    def _show_body(self) -> None:
        """Put the body into the scene, once; only when somebody looks, for Bullet keeps meshes when a client ends."""
        if (body := self._unseen) is None:
            return
        self._unseen = None
        shape = self.bullet.createVisualShape(
            pybullet.GEOM_MESH,
            vertices=body.vertices.tolist(),
            indices=body.triangles.ravel().tolist(),
            rgbaColor=SKIN,
        )
        self.bullet.createMultiBody(0.0, -1, shape, [0.0, 0.0, TABLE_HEIGHT])

    def _drop_collisions(self, stand: int) -> None:
        """The base sits on its stand; that contact would only fight the fixed base."""
        for link in range(-1, self.bullet.getNumJoints(self.arm)):
            for other in range(-1, self.bullet.getNumJoints(stand)):
                self.bullet.setCollisionFilterPair(self.arm, stand, link, other, 0)

    def _make_rigid(self) -> None:
        """Bullet damps links and joints by default; friction is ours to model (`plant.pyx`)."""
        for link in range(-1, self.bullet.getNumJoints(self.arm)):
            self.bullet.changeDynamics(self.arm, link, linearDamping=0.0, angularDamping=0.0, jointDamping=0.0)

    def _joints(self, names: Sequence[str]) -> list[int]:
        number = {
            self.bullet.getJointInfo(self.arm, j)[1].decode(): j for j in range(self.bullet.getNumJoints(self.arm))
        }
        return [number[name] for name in names]


def _quaternion(R: Floats) -> list[float]:
    from scipy.spatial.transform import Rotation

    return [float(x) for x in Rotation.from_matrix(R).as_quat()]
