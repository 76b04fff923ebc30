"""The nodes that every installation has, whoever moves the arm; the two other launch files include this one first.

Nothing is started anew, and nothing ends because another one did: a node that is silent is the supervisor's business,
and the arm's node has to live on, because it is what lets the force fade.
"""

import os
from typing import Any

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from massage_arm.urdf import arm_with_tool
from massage_arm_ros.process import NETWORK, keep_to_this_machine
from massage_arm_ros.station import load_station
from scipy.spatial.transform import Rotation

OURS = ("controller", "supervisor", "session", "onlooker")


def generate_launch_description() -> LaunchDescription:
    """Controller, supervisor, session, onlooker, and what shows and records them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("plan", description="File of the plan; its person is the back as it was scanned."),
            DeclareLaunchArgument("station", description="File of the station: which arm, URDF and tool, and where."),
            DeclareLaunchArgument("record", default_value="", description="A new MCAP file for all that is said."),
            DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Show it."),
            DeclareLaunchArgument(
                "network",
                default_value="machine",
                choices=["machine", "lan"],
                description="lan: other machines may hear and command the nodes.",
            ),
            DeclareLaunchArgument(
                "description",
                default_value="ours",
                choices=["ours", "driver"],
                description="driver: its robot_state_publisher runs; two would contradict each other on tf.",
            ),
            OpaqueFunction(function=_nodes),
        ]
    )


def _nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    if value("network") == "lan":
        os.environ[NETWORK] = "lan"
    keep_to_this_machine()  # for RViz and all others, too: they inherit it

    files = {"plan": value("plan"), "station": value("station")}
    nodes = [_node("massage_arm_ros", name, parameters=[files]) for name in OURS]
    if value("record"):
        nodes.append(_node("massage_arm_ros", "recorder", parameters=[{"file": value("record")}]))
    nodes += _description(files["station"], value("description") == "ours")
    if value("rviz") == "true":
        config = PathJoinSubstitution([FindPackageShare("massage_arm_bringup"), "rviz", "massage.rviz"])
        nodes.append(_node("rviz2", "rviz2", arguments=["-d", config]))
    return nodes


def _description(file: str, ours: bool) -> list[Node]:
    """Where the arm stands beside the table; and, if nobody else says so, what it looks like with its tool."""
    station = load_station(file)
    x, y, z = station.base[:3, 3].tolist()
    qx, qy, qz, qw = Rotation.from_matrix(station.base[:3, :3]).as_quat().tolist()
    numbers = {"--x": x, "--y": y, "--z": z, "--qx": qx, "--qy": qy, "--qz": qz, "--qw": qw}
    pose = [word for name, number in numbers.items() for word in (name, repr(number))]
    frames = ["--frame-id", "body", "--child-frame-id", station.profile.base]
    nodes = [_node("tf2_ros", "static_transform_publisher", name="base", arguments=[*pose, *frames])]
    if ours:
        urdf = arm_with_tool(station.description, station.tool.file)
        nodes.append(
            _node(
                "robot_state_publisher",
                "robot_state_publisher",
                parameters=[{"robot_description": ParameterValue(urdf, value_type=str)}],
                remappings=[("joint_states", "arm/joint_states")],
            )
        )
    return nodes


def _node(package: str, executable: str, *, name: str = "", **options: Any) -> Node:
    """With its enclave in security/policy.xml, which counts only where DDS security is switched on."""
    name = name or executable
    enclave = ["--enclave", f"/massage/{name}"]
    return Node(package=package, executable=executable, name=name, output="screen", ros_arguments=enclave, **options)
