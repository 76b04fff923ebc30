"""Arms, tools, table and stand as URDF: data files, and functions that put them together.

Imports nothing else of massage_arm; what cannot be used raises ValueError or FileNotFoundError, in one line.
"""

from .arms import ARMS, ARMS_FILE, ArmDescription, arm_description, arm_urdf_path, user_arm
from .assembly import TCP, TOOLS, URDF_DIR, arm_with_tool, mount_tool, stand_urdf, table_urdf, tool_file

__all__ = [
    "ARMS",
    "ARMS_FILE",
    "TCP",
    "TOOLS",
    "URDF_DIR",
    "ArmDescription",
    "arm_description",
    "arm_urdf_path",
    "arm_with_tool",
    "mount_tool",
    "stand_urdf",
    "table_urdf",
    "tool_file",
    "user_arm",
]
