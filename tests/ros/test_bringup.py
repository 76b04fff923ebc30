"""What a ROS 2 installation is given: launch files, container, and who may speak. None of it can be started here.

Launch files are read, not run: there are no wheels of `launch`. The policy is held against what the nodes really have.
"""

import ast
import importlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from lxml import etree
from massage_arm.control.plan import PressPlan
from massage_arm_ros.arm_profile import load_arm
from massage_arm_ros.body_scan import POSE
from massage_arm_ros.process import NETWORK, keep_to_this_machine
from massage_arm_ros.rehearsal import rehearsable
from massage_arm_ros.stage import Stage, set_stage
from rclpy.lifecycle import TransitionCallbackReturn

WORKSPACE = Path(__file__).resolve().parents[2] / "ros_ws"
BRINGUP = WORKSPACE / "src/massage_arm_bringup"
LAUNCH_FILES = sorted((BRINGUP / "launch").glob("*.launch.py"))
NODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "simulated_arm": ("SimulatedArm", ("plain",)),
    "simulated_driver": ("SimulatedDriver", ("played",)),
    "arm_adapter": ("ArmAdapter", ("played",)),
    "controller": ("ControllerNode", ("plain", "played")),
    "session": ("SessionNode", ("plain",)),
    "supervisor": ("Supervisor", ("played",)),
    "recorder": ("Recorder", ("plain",)),
    "onlooker": ("Onlooker", ("plain",)),
    "body_scan": ("BodyScan", ("plain",)),
    "biosignal": ("BiosignalNode", ("plain",)),
}
"""Every executable that is a node: its class, and the stages on which all of its topics are seen."""
PLAYED = "franka_fr3"
"""The arm whose driver's topics the policy allows."""


def entry_points() -> set[str]:
    """The executables of massage_arm_ros that are nodes, as its setup.py names them."""
    tree = ast.parse((WORKSPACE / "src/massage_arm_ros/setup.py").read_text())
    names = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "NODES")  # type: ignore[attr-defined]
    return set(ast.literal_eval(names))


def calls(tree: ast.AST, *names: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def words(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def started(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Package and executable of every node that a launch file starts."""
    for call in calls(tree, "Node"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if isinstance(given["package"], ast.Constant):
            yield ast.literal_eval(given["package"]), ast.literal_eval(given["executable"])
    for call in calls(tree, "_node"):
        if isinstance(call.args[1], ast.Constant):
            yield ast.literal_eval(call.args[0]), ast.literal_eval(call.args[1])
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "OURS":
            yield from (("massage_arm_ros", name) for name in ast.literal_eval(node.value))


@pytest.mark.parametrize("file", LAUNCH_FILES, ids=lambda file: file.name)
def test_a_launch_file_starts_what_there_is_and_uses_every_argument(file: Path) -> None:
    tree = ast.parse(file.read_text())
    assert "generate_launch_description" in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    depends = {element.text for element in etree.parse(BRINGUP / "package.xml").findall("exec_depend")}
    for package, executable in started(tree):
        assert package in depends
        assert package != "massage_arm_ros" or executable in entry_points(), executable
    declared = {words(call.args[0])[0] for call in calls(tree, "DeclareLaunchArgument")}
    assert declared == {words(call.args[0])[0] for call in calls(tree, "value", "LaunchConfiguration") if words(call)}
    for call in calls(tree, "DeclareLaunchArgument"):
        assert "description" in {keyword.arg for keyword in call.keywords}


def test_launch_files_start_every_node_and_no_node_twice() -> None:
    in_each = {
        file.name: [name for package, name in started(ast.parse(file.read_text())) if package == "massage_arm_ros"]
        for file in LAUNCH_FILES
    }
    assert set(in_each) == {"arm.launch.py", "nodes.launch.py", "rehearsal.launch.py"}
    shared = in_each.pop("nodes.launch.py")
    for name, own in in_each.items():
        assert len(own) == 1 and not set(own) & set(shared), name
    # `rehearsal --arm` plays a driver; camera and belt are of an installation's own, and started by hand.
    by_hand = {"simulated_driver", "body_scan", "biosignal"}
    assert {*shared, "simulated_arm", "arm_adapter"} == entry_points() - by_hand


def test_rviz_shows_the_topics_that_there_are() -> None:
    text = (BRINGUP / "rviz/massage.rviz").read_text()
    shown = {
        (display.get("Topic") or display.get("Description Topic") or {}).get("Value")
        for display in yaml.safe_load(text)["Visualization Manager"]["Displays"]
    }
    assert shown - {None} == {"/robot_description", "/markers", "/arm/wrench"}


def test_the_container_copies_what_there_is_and_names_no_host() -> None:
    text = (WORKSPACE / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        for one in source.split():
            assert (WORKSPACE.parent / one).exists(), one
    for package in (WORKSPACE / "src").iterdir():
        assert package.name in text
    assert not re.search(r"https?://|\w+\.(com|io|org|net)\b", text)


@pytest.mark.parametrize(
    ("distribution", "variable"), [("jazzy", "FASTRTPS"), ("kilted", "FASTDDS"), (None, "FASTDDS")]
)
def test_dds_is_bound_to_this_machine_whatever_its_version_calls_that(
    distribution: str | None, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {} if distribution is None else {"ROS_DISTRO": distribution})
    keep_to_this_machine()
    assert Path(os.environ[f"{variable}_DEFAULT_PROFILES_FILE"]).is_file()
    assert [name for name in os.environ if name.endswith("PROFILES_FILE")] == [f"{variable}_DEFAULT_PROFILES_FILE"]
    assert NETWORK not in os.environ


# Who may speak.


@dataclass(frozen=True)
class Allowed:
    """What somebody may do, by full names."""

    publish: frozenset[str]
    subscribe: frozenset[str]
    reply: frozenset[str]
    request: frozenset[str]


def policy() -> dict[str, Allowed]:
    """By enclave, as sros2 reads it."""
    tree = etree.parse(BRINGUP / "security/policy.xml")
    tree.xinclude()
    return {enclave.get("path").removeprefix("/massage/"): allowed(enclave) for enclave in tree.iter("enclave")}


def allowed(enclave: Any) -> Allowed:
    found: dict[str, set[str]] = {how: set() for how in ("publish", "subscribe", "reply", "request")}
    (profile,) = enclave.iter("profile")
    assert profile.get("ns") == "/"
    for group in profile:
        for how, value in group.attrib.items():
            if how.endswith("}base"):
                continue
            assert value == "ALLOW", "all else is denied by default"
            for element in group:
                name = element.text.replace("~", f"/{profile.get('node')}")
                name = name if name.startswith("/") else f"/{name}"
                if element.tag == "action":
                    asked, told = ("reply", "publish") if how == "execute" else ("request", "subscribe")
                    found[asked] |= {f"{name}/_action/{part}" for part in ("cancel_goal", "get_result", "send_goal")}
                    found[told] |= {f"{name}/_action/{part}" for part in ("feedback", "status")}
                else:
                    found[how].add(name)
    return Allowed(**{how: frozenset(names) for how, names in found.items()})


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    plain, played = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("played")
    return {
        "plain": set_stage(plain, rehearsable(PressPlan())),
        "played": set_stage(played, rehearsable(PressPlan(), arm=PLAYED, body="panda"), PLAYED),
    }


def settled(node: Any) -> Allowed:
    """What a node has, as the graph says when that changes no more: new things come into it a little later."""
    asks = (
        node.get_publisher_names_and_types_by_node,
        node.get_subscriber_names_and_types_by_node,
        node.get_service_names_and_types_by_node,
        node.get_client_names_and_types_by_node,
    )
    before: Allowed | None = None
    has: Allowed | None = None
    while before is None or has != before:
        before = has
        time.sleep(0.2)
        has = Allowed(*(frozenset(name for name, _ in ask(node.get_name(), "/")) for ask in asks))
    return has


def really(executable: str, stage: Stage, folder: Path, domain: int) -> Allowed:
    """What a node has when it is made, and configured."""
    plan = stage.plan if executable.startswith("simulated") else stage.known
    given: dict[str, object] = {"plan": plan, "station": stage.station, "file": folder / "record.mcap"}
    given |= {"device": "topic", "folder": folder, "camera_frame": "camera"} | dict.fromkeys(POSE, 0.0)
    parameters = [word for key, value in given.items() for word in ("-p", f"{key}:={value}")]
    rclpy.init(args=["--ros-args", *parameters], domain_id=domain)
    try:
        node = getattr(importlib.import_module(f"massage_arm_ros.{executable}"), NODES[executable][0])()
        if executable == "controller":
            assert node.on_configure(None) == TransitionCallbackReturn.SUCCESS
        has = settled(node)
        node.destroy_node()
        return has
    finally:
        rclpy.shutdown()


def test_every_node_has_an_enclave_and_is_looked_at_here() -> None:
    assert set(NODES) == entry_points()
    assert set(NODES) <= set(policy())
    for file in LAUNCH_FILES:
        named = re.findall(r"/massage/(\w+)", file.read_text())
        assert set(named) <= set(policy()), file.name


@pytest.mark.parametrize("executable", sorted(NODES))
def test_a_node_may_do_what_it_does_and_nothing_else(
    executable: str, stages: dict[str, Stage], tmp_path: Path, domain: int
) -> None:
    keep_to_this_machine()
    may = policy()[executable]
    # Each in a domain of its own: something of a lifecycle node stays in the graph, under the same name.
    has = [really(executable, stages[s], tmp_path, domain - 30 * i) for i, s in enumerate(NODES[executable][1])]
    later = set()
    if executable == "arm_adapter":  # listens to these when somebody sends on them
        later = {check.topic for check in load_arm(PLAYED).ready}
    if executable == "body_scan":  # as reliably as the camera speaks, once it is there
        later = {"/body_cloud"}
    for how in ("publish", "subscribe", "reply", "request"):
        union = frozenset().union(*(getattr(one, how) for one in has)) | (later if how == "subscribe" else set())
        assert getattr(may, how) == union, how


def test_nobody_but_one_commands_the_arm_or_says_that_it_is_safe() -> None:
    for topic, senders in {
        "/arm/effort": {"controller"},
        "/arm/target": {"controller"},
        "/safety": {"supervisor"},
        "/controller/set_point": {"session"},
        "/stop": {"stop_button", "rehearsal"},
        "/target_wrench": {"arm_adapter", "supervisor"},
    }.items():
        assert {name for name, may in policy().items() if topic in may.publish} == senders
    for service, callers in {
        "/arm/follow": {"controller"},
        "/controller/change_state": {"session"},
        "/scan_body/_action/send_goal": {"operator"},
    }.items():
        assert {name for name, may in policy().items() if service in may.request} == callers
    assert not [name for name, may in policy().items() if any("set_parameters" in one for one in may.request)]
