"""For colcon; massage-arm itself (`massage_arm`) has to be installed by pip into the same Python."""

from setuptools import find_packages, setup

NAME = "massage_arm_ros"
NODES = (
    "simulated_arm", "simulated_driver", "arm_adapter", "controller", "session", "supervisor", "recorder", "body_scan",
    "biosignal", "onlooker",
)  # fmt: skip

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(),
    package_data={NAME: ["loopback.xml", "arms/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    entry_points={
        "console_scripts": [
            *(f"{node} = {NAME}.{node}:main" for node in NODES),
            f"rehearsal = {NAME}.rehearsal:entry",
        ]
    },
)
