"""The source itself: imports go one way, lint and types are clean."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("native", "urdf", "control", "sim", "app")
MAY_IMPORT = {
    "native": {"native"},
    "urdf": {"urdf"},
    "control": {"native", "urdf", "control"},
    "sim": {"native", "urdf", "control", "sim"},
    "app": set(FOLDERS),
}


def imported_folders(file: Path) -> set[str]:
    """Our folders that a module imports, relative or absolute."""
    inside = (file.relative_to(ROOT)).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = inside[: len(inside) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {(*base, *name.split("."))[0] for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("massage_arm."):
            found.add(str(node.module).split(".")[1])
    return found & set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_go_one_way(folder: str) -> None:
    for file in (ROOT / folder).rglob("*.py"):
        assert imported_folders(file) <= MAY_IMPORT[folder], file


def test_ruff_finds_nothing() -> None:
    for command in (["check", "."], ["format", "--check", "."]):
        result = subprocess.run([sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_types_are_sound(tmp_path: Path) -> None:
    package = tmp_path / "massage_arm"
    package.mkdir()
    for folder in FOLDERS:
        (package / folder).symlink_to(ROOT / folder)
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    (tmp_path / "massage_arm_ros").symlink_to(ROOT / "ros_ws/src/massage_arm_ros/massage_arm_ros")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", *config, "-p", "massage_arm", "-p", "massage_arm_ros"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
