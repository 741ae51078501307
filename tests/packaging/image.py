"""A stand-in for `docker build` and `docker run`. In: a Dockerfile and its context. Out: its steps done in a folder.

It knows what this project's Dockerfile uses and no more. All stages share one root, so that a virtual environment
copied from stage to stage keeps its path, as it does in the image. Nothing is changed outside the root: `useradd` is
not run.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path

from dockerfile_parse import DockerfileParser

MAPPED = re.compile(r"(?<![\w./-])/(?:opt/xiaobao|src)\b")
Step = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A Dockerfile that was read: instructions and values of each stage, and the last stage's environment."""

    stages: list[list[Step]]
    environment: dict[str, str]

    def final(self, instruction: str) -> str:
        """The value of an instruction that the last stage has once."""
        [value] = [value for name, value in self.stages[-1] if name == instruction]
        return value

    @property
    def command(self) -> list[str]:
        command: list[str] = json.loads(self.final("CMD"))
        return command

    @property
    def probe(self) -> list[str]:
        """The command of the health check."""
        probe: list[str] = json.loads(self.final("HEALTHCHECK").split("CMD", 1)[1])
        return probe


def read_recipe(dockerfile: Path, base_path: str) -> Recipe:
    """Read a Dockerfile; `base_path` is the PATH of the base image."""
    parser = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()), parent_env={"PATH": base_path})
    stages: list[list[Step]] = []
    for step in parser.structure:
        if step["instruction"] == "FROM":
            stages.append([])
        if step["instruction"] != "COMMENT":
            stages[-1].append((step["instruction"], step["value"]))
    return Recipe(stages=stages, environment=dict(parser.envs))


def do_steps(steps: list[Step], *, context: Path, root: Path, environment: dict[str, str]) -> None:
    """Do what changes files: COPY and RUN. Raises when one fails."""
    folder = root
    for instruction, value in steps:
        if instruction == "WORKDIR":
            folder = inside(root, value)
            folder.mkdir(parents=True, exist_ok=True)
        elif instruction == "COPY":
            _copy(shlex.split(value), context=context, folder=folder, root=root)
        elif instruction == "RUN" and not value.startswith("useradd "):
            subprocess.run(mapped(value, root), shell=True, cwd=folder, env=environment, check=True)


def inside(root: Path, path: str) -> Path:
    """Where an absolute path of the image lies."""
    return root / path.lstrip("/")


def mapped(text: str, root: Path) -> str:
    """A command or a value with the image's paths turned into paths under the root."""
    return MAPPED.sub(lambda match: f"{root}{match[0]}", text)


def _copy(arguments: list[str], *, context: Path, folder: Path, root: Path) -> None:
    *sources, target = arguments
    if sources[0].startswith("--from="):
        assert sources[1:] == [target], "a virtual environment works at the path only where it was made"
        assert inside(root, target).is_dir()
        return
    goal = inside(root, target) if target.startswith("/") else folder / target
    for source in sources:
        if (context / source).is_dir():
            shutil.copytree(context / source, goal, ignore=_docker_ignore(context), dirs_exist_ok=True)
        else:
            shutil.copy(context / source, goal)


def _docker_ignore(context: Path) -> Callable[[str, list[str]], set[str]]:
    """What .dockerignore names, for `shutil.copytree`; exceptions with `!` are not understood."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").split()
    patterns = [form for line in lines for form in {line, line.removeprefix("**/")}]

    def ignore(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(context)
        return {name for name in names if any(fnmatch((place / name).as_posix(), form) for form in patterns)}

    return ignore


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take away everybody's right to write below a folder. Root may still write: compare snapshots as well."""
    entries = [entry for entry in (folder, *folder.rglob("*")) if not entry.is_symlink()]
    modes = {entry: entry.stat().st_mode for entry in entries}
    for entry, mode in modes.items():
        entry.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for entry, mode in modes.items():
            entry.chmod(mode)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every entry below a folder."""
    return {str(entry): (entry.lstat().st_size, entry.lstat().st_mtime_ns) for entry in folder.rglob("*")}
