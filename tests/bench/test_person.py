"""Energy in the simulated tissue: what is measured by `bench.person`, without its times."""

from bench import person


def test_tissue_creates_no_energy_and_the_step_hardly_matters() -> None:
    figures = {figure.name: figure for figure in person.energy_figures()}
    assert list(figures) == [
        "tissue.energy_created",
        "tissue.energy_kept_elastic_error",
        "tissue.energy_step_dependence",
    ]
    assert all(figure.met for figure in figures.values()), figures


def test_a_tissue_that_damps_takes_energy() -> None:
    assert 0.4 < person.bounce(1e-3) < 0.9
    assert person.cycle_work(1.0, 0.012, 0.0) > 1e-3


def test_a_tick_allocates_nothing() -> None:
    assert person.allocations() == 0
