"""The simulated camera and what is known of a back from it; the arm works from nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from massage_arm.control.body import load_body
from massage_arm.control.plan import PressPlan
from massage_arm.sim.camera import Camera, Lying, feel_landmarks, look
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.scan import scan_bench, scan_person

CLEAN = Camera(noise_px=0.0, fixed_mm=1e-9, holes=0, mount_mm=0.0, mount_deg=0.0)


def test_a_camera_without_faults_sees_the_skin_where_it_is() -> None:
    body = load_body("man_41_average")
    cloud = look(body, np.random.default_rng(0), Lying(), CLEAN)
    field = body.height_field
    back = cloud[(np.abs(cloud[:, 1]) < 0.1) & (cloud[:, 0] > 0.1) & (cloud[:, 0] < 0.6)][::50]
    off = [z - field.value_and_gradient(x, y)[0] for x, y, z in back]
    assert len(off) > 1000
    assert abs(np.mean(off)) < 1e-3 and np.std(off) < 1.5e-3


def test_noise_grows_with_what_is_asked() -> None:
    body, seen = load_body("man_41_average"), []
    for camera in (CLEAN, Camera(), replace(Camera(), fixed_mm=3.0)):
        cloud = look(body, np.random.default_rng(0), Lying(), camera)
        near = cloud[(np.abs(cloud[:, 1]) < 0.05) & (np.abs(cloud[:, 0] - 0.5) < 0.05)]
        A = np.column_stack([near[:, :2], near[:, :2] ** 2, near[:, 0] * near[:, 1], np.ones(len(near))])
        seen.append(np.std(near[:, 2] - A @ np.linalg.lstsq(A, near[:, 2], rcond=None)[0]))
    assert seen[0] < seen[1] < seen[2]


def test_the_drape_hides_the_legs_and_not_the_sites() -> None:
    body = load_body("average")
    plain, draped = load_body("average").height_field, look(body, np.random.default_rng(1), Lying(), CLEAN)
    legs = draped[(np.abs(draped[:, 0] + 0.09) < 0.005) & (np.abs(draped[:, 1] - 0.08) < 0.03)]
    over = [z - plain.value_and_gradient(x, y)[0] for x, y, z in legs]
    assert np.mean(over) > 5e-3


def test_landmarks_are_off_as_a_finger_is() -> None:
    body = load_body("average")
    off = [
        feel_landmarks(body, np.random.default_rng(k))[name] - mark[:2]
        for k in range(100)
        for name, mark in body.landmarks.items()
    ]
    assert np.std(off) == pytest.approx(5e-3, rel=0.1)


def test_a_scan_is_the_same_for_a_seed_and_another_for_another() -> None:
    first, again, other = scan_person("1/4", 3), scan_person("1/4", 3), scan_person("1/4", 4)
    assert np.array_equal(first.cloud, again.cloud) and first.errors == again.errors
    assert first.errors != other.errors


def test_sites_lie_where_the_goals_want_them() -> None:
    figures = {figure.name: figure for figure in scan_bench(["2/0", "2/1", "2/2", "2/3"], jobs=2)}
    assert all(figure.met for figure in figures.values()), figures
    assert figures["scan.site_error_mean"].value > 0.5, "a scan is never the truth"


def test_the_arm_does_not_know_the_true_surface() -> None:
    plan = PressPlan(disturbances="ideal", site="infraspinatus_left")  # nothing has moved since the scan
    simulation = PressSimulation(plan)
    simulation.close()
    true = load_body().sites[plan.site]
    off = np.linalg.norm(simulation.task.position - true.position)
    assert 1e-4 < off < 0.010
