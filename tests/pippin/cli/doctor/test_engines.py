"""What the doctor says of the libraries that train."""

from collections.abc import Callable

from pippin.cli.doctor.engines import check_coreml, check_engines, check_pyobjc
from pippin.cli.doctor.finding import Level

ABSENT = "No module named"


def lacking(*modules: str) -> Callable[[str], str | None]:
    """A machine that lacks these libraries and has all others."""
    return lambda module: f"{ABSENT} '{module}'" if module in modules else None


def test_a_mac_with_everything_trains_with_both_engines() -> None:
    assert check_pyobjc("darwin", lacking()).level is Level.OK
    assert check_coreml("darwin", lacking()).level is Level.OK
    assert check_engines("darwin", lacking()).found == "jax, coreml"


def test_a_mac_without_pyobjc_is_told_what_to_install() -> None:
    for check, module in ((check_pyobjc, "objc"), (check_coreml, "CoreML")):
        finding = check("darwin", lacking("objc", "CoreML"))
        assert finding.level is Level.FAULT
        assert finding.found == f"{ABSENT} '{module}'"
        assert "pip install -e '.[worker,mac]'" in finding.advice


def test_a_mac_with_half_of_the_bridge_is_told_which_half_it_lacks() -> None:
    assert check_coreml("darwin", lacking("Quartz")).found == f"{ABSENT} 'Quartz'"
    assert check_engines("darwin", lacking("Quartz")).found == "jax"


def test_a_mac_without_core_ml_still_trains_with_jax() -> None:
    finding = check_engines("darwin", lacking("CoreML"))
    assert (finding.level, finding.found) == (Level.OK, "jax")


def test_a_mac_without_jax_still_trains_with_core_ml() -> None:
    assert check_engines("darwin", lacking("jax")).found == "coreml"


def test_other_systems_are_not_blamed_for_lacking_core_ml() -> None:
    assert check_pyobjc("linux", lacking("objc")).level is Level.OK
    assert check_coreml("linux", lacking("CoreML")).level is Level.OK
    assert check_engines("linux", lacking("CoreML")).found == "jax"


def test_a_machine_on_which_nothing_can_train_is_at_fault() -> None:
    for system, extra in (("linux", "worker"), ("darwin", "worker,mac")):
        finding = check_engines(system, lacking("jax", "CoreML"))
        assert finding.level is Level.FAULT
        assert "jax: No module named 'jax'" in finding.found
        assert f"'.[{extra}]'" in finding.advice


def test_this_machine_really_trains_with_jax() -> None:
    assert "jax" in check_engines().found
