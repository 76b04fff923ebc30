"""A real arm, whose driver is running already. Read docs/real_arm.md first: nobody may be under the tool.

Whoever watches holds a stop button: a program that sends `stop` (massage_msgs/msg/StopInput) at least twice a second,
and `stop: true` when it is pressed. Without it the supervisor lets nothing begin.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

NODES = str(Path(__file__).with_name("nodes.launch.py"))


def generate_launch_description() -> LaunchDescription:
    """The adapter, and the nodes that every installation has."""
    given = {
        "plan": LaunchConfiguration("plan"),
        "station": LaunchConfiguration("station"),
        "record": LaunchConfiguration("record"),
        "rviz": LaunchConfiguration("rviz"),
        "network": LaunchConfiguration("network"),
        "description": LaunchConfiguration("description"),
    }
    return LaunchDescription(
        [
            DeclareLaunchArgument("station", description="File of the station: which arm, URDF and tool, and where."),
            DeclareLaunchArgument("plan", description="File of the plan; its person is the back as it was scanned."),
            DeclareLaunchArgument("record", default_value="", description="A new MCAP file for all that is said."),
            DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Show it."),
            DeclareLaunchArgument(
                "network",
                default_value="machine",
                choices=["machine", "lan"],
                description="lan: where the driver runs on another machine; then all can hear and command the nodes.",
            ),
            DeclareLaunchArgument(
                "description",
                default_value="ours",
                choices=["ours", "driver"],
                description="driver: its robot_state_publisher runs; two would contradict each other on tf.",
            ),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(NODES), launch_arguments=given.items()),
            Node(
                package="massage_arm_ros",
                executable="arm_adapter",
                name="arm_adapter",
                output="screen",
                ros_arguments=["--enclave", "/massage/arm_adapter"],
                parameters=[{"station": LaunchConfiguration("station")}],
            ),
        ]
    )
