"""A session on a simulated arm and a simulated person, in real time.

`ros2 launch massage_arm_bringup rehearsal.launch.py rviz:=true`, and in another terminal, to begin:
`ros2 action send_goal /run_massage massage_msgs/action/RunMassage "{}" --feedback`.
"""

import shutil
import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnShutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from massage_arm.control.plan import find_plan
from massage_arm_ros.rehearsal import rehearsable
from massage_arm_ros.stage import set_stage

NODES = str(Path(__file__).with_name("nodes.launch.py"))


def generate_launch_description() -> LaunchDescription:
    """The simulated arm, and the nodes that every installation has."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "plan", default_value="back_relaxing", description="A session or profile by name, or a plan's file."
            ),
            DeclareLaunchArgument(
                "person", default_value="", description="A body, or SEED/NUMBER of a population; else the plan's."
            ),
            DeclareLaunchArgument("record", default_value="", description="A new MCAP file for all that is said."),
            DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Show it."),
            DeclareLaunchArgument(
                "network",
                default_value="machine",
                choices=["machine", "lan"],
                description="lan: other machines may hear and command the nodes.",
            ),
            OpaqueFunction(function=_rehearsal),
        ]
    )


def _rehearsal(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    stage = set_stage(folder, rehearsable(find_plan(value("plan")), value("person") or None))
    given = {
        "plan": str(stage.known),
        "station": str(stage.station),
        "record": value("record"),
        "rviz": value("rviz"),
        "network": value("network"),
    }
    # Nobody lies there: nobody has to hold a stop button. On a real arm somebody must.
    hand = ["ros2", "topic", "pub", "--rate", "20", "/stop", "massage_msgs/msg/StopInput", "{stop: false}"]
    enclave = {"ROS_SECURITY_ENCLAVE_OVERRIDE": "/massage/stop_button"}
    return [
        IncludeLaunchDescription(PythonLaunchDescriptionSource(NODES), launch_arguments=given.items()),
        Node(
            package="massage_arm_ros",
            executable="simulated_arm",
            name="simulated_arm",
            output="screen",
            ros_arguments=["--enclave", "/massage/simulated_arm"],
            parameters=[{"plan": str(stage.plan)}],
        ),
        ExecuteProcess(cmd=hand, output="log", additional_env=enclave),
        RegisterEventHandler(OnShutdown(on_shutdown=lambda *_: shutil.rmtree(folder, ignore_errors=True))),
    ]
