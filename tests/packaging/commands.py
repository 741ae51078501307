"""Run commands as a user does. In: a command line. Out: the finished process."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its output as text; `env` replaces the whole environment."""
    return subprocess.run(
        command, cwd=cwd, env=env, encoding="utf-8", capture_output=True, stdin=subprocess.DEVNULL, timeout=180,
        check=False,
    )  # fmt: skip


def run_well(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What a command that must succeed prints."""
    done = run(*command, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
