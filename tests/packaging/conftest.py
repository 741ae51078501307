"""Built once a session: the wheelhouse and an installation from it. Nothing but the package index is asked."""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import MakeOnce
from tests.packaging.commands import CHECKOUT, run_well


@pytest.fixture(scope="session")
def bundle_name() -> str:
    """The shipped bundle's folder."""
    return (CHECKOUT / "models" / "bundles" / "CURRENT").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="session")
def wheelhouse(make_once: MakeOnce) -> Path:
    """What deploy/wheelhouse.py makes, over a folder that holds a wheel of an earlier run."""

    def make(folder: Path) -> None:
        (folder / "earlier-1.0-py3-none-any.whl").touch()
        run_well(sys.executable, CHECKOUT / "deploy" / "wheelhouse.py", folder, cwd=folder)

    return make_once("wheelhouse", make)


@pytest.fixture(scope="session")
def offline_pip(wheelhouse: Path, make_once: MakeOnce) -> dict[str, str]:
    """An environment in which pip knows the wheelhouse and the build backend, and no index."""
    requires = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]

    def make(folder: Path) -> None:
        run_well(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, *requires, cwd=folder)

    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_COMPILE": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{wheelhouse} {make_once('backend', make)}",
    }


@pytest.fixture(scope="session")
def installed(wheelhouse: Path, make_once: MakeOnce) -> Path:
    """The `bin` folder of a fresh environment, installed with the command that the wheelhouse's docstring gives."""

    def make(folder: Path) -> None:
        run_well(sys.executable, "-m", "venv", folder / "venv", cwd=wheelhouse)
        run_well(
            folder / "venv" / "bin" / "pip", "install", "--no-index", "--find-links", wheelhouse, "--require-hashes",
            "-r", wheelhouse / "requirements.txt", cwd=wheelhouse,
            env={"PIP_CONFIG_FILE": os.devnull, "PIP_NO_COMPILE": "1"},
        )  # fmt: skip

    return make_once("bank", make) / "venv" / "bin"
