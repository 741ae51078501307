"""The two commands a newcomer types, and what the service refuses to start with."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.commands import CHECKOUT, run, run_well

XIAOBAO = Path(sys.executable).with_name("xiaobao")
OUTER_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VENV", "PYTHON", "HOST", "PORT")
DryMake = Callable[..., list[str]]
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "no master key": ({}, "XIAOBAO_MASTER_KEYS"),
    "no token": ({"XIAOBAO_STORE": "off"}, "XIAOBAO_API_TOKEN is missing"),
    "short token": ({"XIAOBAO_STORE": "off", "XIAOBAO_API_TOKEN": "Zq3-short-one"}, "XIAOBAO_API_TOKEN is too weak"),
    "monotonous token": ({"XIAOBAO_STORE": "off", "XIAOBAO_API_TOKEN": "zq" * 20}, "XIAOBAO_API_TOKEN is too weak"),
    "development on all addresses": (
        {"XIAOBAO_ENVIRONMENT": "development", "XIAOBAO_HOST": "0.0.0.0"},
        "in development the service listens on loopback only",
    ),
    "unknown environment": ({"XIAOBAO_ENVIRONMENT": "staging"}, "XIAOBAO_ENVIRONMENT"),
}


@pytest.fixture
def dry_make(tmp_path: Path) -> DryMake:
    """`dry_make(…)`: the lines that `make -n` prints for a new virtual environment at `tmp_path/venv`."""
    inherited = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}

    def lines(*arguments: str, **exported: str) -> list[str]:
        command = ("make", "-n", *arguments, f"VENV={tmp_path}/venv")
        return run_well(*command, cwd=CHECKOUT, env=inherited | exported).splitlines()

    return lines


def test_make_run_installs_and_serves_in_development(dry_make: DryMake, tmp_path: Path) -> None:
    """A virtual environment, the serving install without extras, then the service on loopback."""
    *before, last = dry_make("run")
    binaries = f"{tmp_path}/venv/bin"
    assert last == f"XIAOBAO_ENVIRONMENT=development {binaries}/xiaobao serve --host 127.0.0.1 --port 8000"
    assert f"python3 -m venv {tmp_path}/venv" in before
    assert [line for line in before if "pip install" in line and line.endswith("--editable .")]


def test_make_demo_fills_a_folder_of_its_own_and_serves_it(dry_make: DryMake, tmp_path: Path) -> None:
    *_, fill, serve = dry_make("demo")
    assert fill == f"{tmp_path}/venv/bin/python -m serving.demo"
    assert serve == f"{tmp_path}/venv/bin/xiaobao serve --host 127.0.0.1 --port 8000"


def test_make_alone_runs(dry_make: DryMake) -> None:
    assert dry_make() == dry_make("run")


def test_make_test_installs_the_development_extra_and_tests(dry_make: DryMake, tmp_path: Path) -> None:
    """All tests, with what they need."""
    *before, last = dry_make("test")
    assert last == f"OMP_NUM_THREADS=1 {tmp_path}/venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder"
    assert [line for line in before if "pip install" in line and line.endswith("--editable '.[dev]'")]


def test_make_run_does_not_install_twice(dry_make: DryMake, tmp_path: Path) -> None:
    """With everything in place it only starts the service."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").touch()
    (tmp_path / "venv" / ".serving").touch()
    assert len(dry_make("run")) == 1


def test_make_run_takes_address_and_port_from_its_command_line(dry_make: DryMake) -> None:
    """`HOST` of the shell's environment is not meant for it: tcsh and conda export one."""
    assert dry_make("run", "PORT=8111", HOST="x86_64-conda-linux-gnu")[-1].endswith("--host 127.0.0.1 --port 8111")
    assert dry_make("run", "HOST=::1")[-1].endswith("--host ::1 --port 8000")


@pytest.mark.parametrize(("exported", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_service_refuses_to_start(exported: dict[str, str], message: str, tmp_path: Path) -> None:
    """One line on stderr that does not repeat the token, exit 1, nothing written."""
    done = run(XIAOBAO, "serve", cwd=tmp_path, env={"PATH": os.environ["PATH"], **exported})
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in line
    assert exported.get("XIAOBAO_API_TOKEN", "Traceback") not in line
    assert not list(tmp_path.iterdir())
