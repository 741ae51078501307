"""What the wheel holds, and whose the five top-level names are."""

import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from models.bundle import FILES, MANIFEST
from tests.packaging.commands import CHECKOUT

pytestmark = pytest.mark.proof

PACKAGES = ("data", "models", "eval", "training", "serving")
DATA_FILES = {
    "serving/console/replies.yaml",
    "data/taxonomy.yaml",
    "data/terms.yaml",
    "data/real_institutions.txt",
    "models/bundles/CURRENT",
    "data/policy/policy.yaml",
    "data/redaction/address_weights.json",
    "data/redaction/name_network.npz",
    "data/redaction/name_weights.json",
    "data/redaction/number_weights.json",
    "data/redaction/names.yaml",
    "data/policy/holidays.yaml",
    "models/rules.yaml",
    "serving/console/notice.yaml",
    "eval/gate.yaml",
    "training/simulation/gate.yaml",
    "models/golden.yaml",
}


@pytest.fixture(scope="module")
def wheel(wheelhouse: Path) -> zipfile.Path:
    [file] = wheelhouse.glob("xiaobao-*.whl")
    return zipfile.Path(file)


@pytest.fixture(scope="module")
def shipped(wheel: zipfile.Path) -> set[str]:
    """Files of the wheel without its metadata."""
    return {name for name in wheel.root.namelist() if ".dist-info/" not in name and not name.endswith("/")}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_name_belongs_to_xiaobao_alone(package: str) -> None:
    """Such common names must not be shared with another distribution."""
    assert set(packages_distributions()[package]) == {"xiaobao"}


def test_wheel_holds_every_module_and_no_other(shipped: set[str]) -> None:
    """A folder without `__init__.py`, or an old module left in `build/`, would show here."""
    assert {name for name in shipped if name.endswith(".py")} == _found(*(f"{p}/**/*.py" for p in PACKAGES))


def test_wheel_holds_the_data_files_and_no_other(shipped: set[str], bundle_name: str) -> None:
    """The taxonomy, the pages, the training configs and one bundle."""
    bundle = {f"models/bundles/{bundle_name}/{file}" for file in (*FILES, MANIFEST)}
    globs = _found("training/configs/*.yaml", "serving/page/*.html", "serving/page/*.css", "serving/page/*.js")
    globs |= _found("eval/report/templates/*", "serving/reports/*.yaml", "serving/reports/templates/*")
    globs |= _found(*(f"serving/console/{kind}/*" for kind in ("templates", "static", "texts")))
    assert {name for name in shipped if not name.endswith(".py")} == DATA_FILES | bundle | globs


def test_wheel_holds_no_tests_and_no_corpus(shipped: set[str]) -> None:
    """Corpus texts stay with the people who train."""
    assert not [name for name in shipped if name.startswith(("data/corpus/", "tests/")) or name.endswith(".jsonl")]


def test_wheel_carries_its_licences_and_its_command(wheel: zipfile.Path) -> None:
    """LICENSE and NOTICE travel with every copy."""
    [info] = [entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info")]
    assert {entry.name for entry in (info / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
    assert "xiaobao = serving.cli:main" in (info / "entry_points.txt").read_text(encoding="utf-8")


def _found(*patterns: str) -> set[str]:
    return {file.relative_to(CHECKOUT).as_posix() for pattern in patterns for file in CHECKOUT.glob(pattern)}
