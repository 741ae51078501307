"""Built once a session: the wheelhouse and an installation from it. Nothing but the package index is asked."""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packaging.commands import CHECKOUT, run_well


@pytest.fixture(scope="session")
def bundle_name() -> str:
    """The shipped bundle's folder."""
    return (CHECKOUT / "models" / "bundles" / "CURRENT").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploy/wheelhouse.py makes, over a folder that holds a wheel of an earlier run."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    (folder / "earlier-1.0-py3-none-any.whl").touch()
    run_well(sys.executable, CHECKOUT / "deploy" / "wheelhouse.py", folder, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def offline_pip(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which pip knows the wheelhouse and the build backend, and no index."""
    backend = tmp_path_factory.mktemp("backend")
    requires = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    run_well(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", backend, *requires, cwd=backend)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{wheelhouse} {backend}",
    }


@pytest.fixture(scope="session")
def installed(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment, installed with the command that the wheelhouse's docstring gives."""
    environment = tmp_path_factory.mktemp("bank") / "venv"
    run_well(sys.executable, "-m", "venv", environment, cwd=wheelhouse)
    run_well(
        environment / "bin" / "pip", "install", "--no-index", "--find-links", wheelhouse, "--require-hashes",
        "-r", wheelhouse / "requirements.txt", cwd=wheelhouse, env={"PIP_CONFIG_FILE": os.devnull},
    )  # fmt: skip
    return environment / "bin"
