"""The image, without a Docker engine: its recipe is read, its steps are done in a folder, its command is started."""

import base64
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.packaging.commands import CHECKOUT, run
from tests.packaging.image import Recipe, do_steps, inside, mapped, read_only, read_recipe, snapshot

COMPLAINT = "你们客户经理骗我妈买保险，说是存款，我要打12378投诉"
NO_PROXY_LISTENS = "http://127.0.0.1:9"
SECONDS_TO_HEALTH = 60

pytestmark = pytest.mark.proof


@dataclass(frozen=True, kw_only=True)
class Life:
    """What a container showed from start to stop."""

    refused: httpx.Response
    answered: httpx.Response
    exit_code: int
    log: str
    changed: set[object]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe(CHECKOUT / "Dockerfile", "/usr/bin:/bin")


@pytest.fixture(scope="module")
def image(recipe: Recipe, offline_pip: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the built image."""
    root = tmp_path_factory.mktemp("image")
    for stage in recipe.stages:
        do_steps(stage, context=CHECKOUT, root=root, environment=offline_pip)
    shutil.rmtree(root / "src")  # only the first stage has it
    return root


@pytest.fixture(scope="module")
def environment(recipe: Recipe, image: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The image's environment, a volume, `-e XIAOBAO_MASTER_KEYS=…`, and a bank's proxy that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return {
        **{name: mapped(value, image) for name, value in recipe.environment.items()},
        "XIAOBAO_API_TOKEN": secrets.token_urlsafe(32),
        "XIAOBAO_MASTER_KEYS": f"test:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "XIAOBAO_DATA_FOLDER": str(tmp_path_factory.mktemp("volume")),
        "XIAOBAO_HOST": "127.0.0.1",
        "XIAOBAO_PORT": str(port),
        "HOME": str(inside(image, "/home/xiaobao")),
        **dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), NO_PROXY_LISTENS),
    }


@pytest.fixture(scope="module")
def life(recipe: Recipe, image: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Start, wait for the health check, ask without and with the token, stop; the image is read-only meanwhile."""
    log = tmp_path_factory.mktemp("log") / "container.log"
    before = snapshot(image)
    with read_only(image / "opt"), _container(recipe, image, environment, log) as process:
        _wait_for_health(recipe, environment, process)
        address = f"http://127.0.0.1:{environment['XIAOBAO_PORT']}/v1/triage"
        token = {"Authorization": f"Bearer {environment['XIAOBAO_API_TOKEN']}"}
        refused = httpx.post(address, json={"text": COMPLAINT}, trust_env=False)
        answered = httpx.post(address, json={"text": COMPLAINT}, headers=token, trust_env=False)
        process.send_signal(signal.SIGTERM)
        exit_code = process.wait(timeout=20)
    changed = set(before.items()) ^ set(snapshot(image).items())
    return Life(refused=refused, answered=answered, exit_code=exit_code, log=log.read_text("utf-8"), changed=changed)


def test_two_stages_and_only_the_environment_goes_on(recipe: Recipe) -> None:
    """Sources, pip's cache and whatever built the wheels stay behind."""
    build, final = recipe.stages
    assert build[0][1].endswith(" AS build")
    assert [value for name, value in final if name == "COPY"] == ["--from=build /opt/xiaobao /opt/xiaobao"]


def test_runs_as_a_numbered_user_that_is_not_root(recipe: Recipe) -> None:
    """Kubernetes' runAsNonRoot reads the number, not a name."""
    user = recipe.final("USER")
    assert user.isdecimal()
    assert int(user) > 0
    assert f" --uid {user} " in recipe.final("RUN")


def test_starts_in_production_without_a_secret_of_its_own(recipe: Recipe) -> None:
    """No secret and no development mode in an image."""
    assert not {"XIAOBAO_API_TOKEN", "XIAOBAO_MASTER_KEYS", "XIAOBAO_ENVIRONMENT"} & set(recipe.environment)
    assert recipe.final("EXPOSE") == recipe.environment["XIAOBAO_PORT"]
    assert recipe.environment["XIAOBAO_HOST"] == "0.0.0.0"


def test_has_a_health_check_that_waits_for_the_start(recipe: Recipe) -> None:
    """It asks whether the service can answer, not whether it lives."""
    assert "--start-period=" in recipe.final("HEALTHCHECK")
    assert "/readyz" in recipe.probe[-1]


def test_what_is_copied_holds_no_corpus(recipe: Recipe, tmp_path: Path) -> None:
    """`.dockerignore` keeps texts and caches out of the first stage already."""
    copies = [step for step in recipe.stages[0] if step[0] in ("WORKDIR", "COPY")]
    do_steps(copies, context=CHECKOUT, root=tmp_path, environment={})
    source = tmp_path / "src"
    assert (source / "data" / "taxonomy.yaml").is_file()
    assert not (source / "data" / "corpus").exists()
    assert not list(source.rglob("__pycache__"))


def test_without_a_key_it_does_not_start(recipe: Recipe, image: Path, environment: dict[str, str]) -> None:
    """`docker run xiaobao` alone ends with one line."""
    without = {name: value for name, value in environment.items() if name != "XIAOBAO_MASTER_KEYS"}
    done = run(*_on_path(recipe.command, without), cwd=inside(image, recipe.final("WORKDIR")), env=without)
    assert done.returncode == 1
    assert "XIAOBAO_MASTER_KEYS_FILE is missing" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_health_check_fails_while_nothing_listens(recipe: Recipe, environment: dict[str, str], tmp_path: Path) -> None:
    """Otherwise the check would pass always."""
    assert run(*_on_path(recipe.probe, environment), cwd=tmp_path, env=environment | {"XIAOBAO_PORT": "9"}).returncode


def test_answers_whoever_has_the_token(life: Life, bundle_name: str) -> None:
    """With the shipped bundle, which lies inside the image."""
    assert life.answered.status_code == 200
    assert life.answered.json()["versions"]["bundle"] == bundle_name
    assert life.refused.status_code == 401
    assert life.refused.json()["error"]["code"] == "unauthorized"


def test_stops_when_told_to(life: Life) -> None:
    """Nothing but quiet: as process 1 it exits with 0, elsewhere uvicorn hands the signal on."""
    assert life.exit_code in (0, -signal.SIGTERM)
    assert "Traceback" not in life.log
    assert COMPLAINT not in life.log


def test_writes_nothing(life: Life) -> None:
    """A read-only root is enough: no file changed, no file made, not even in the working directory."""
    assert life.changed == set()


@contextmanager
def _container(
    recipe: Recipe, image: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The image's command as a process that ends with the block."""
    working = inside(image, recipe.final("WORKDIR"))
    command = _on_path(recipe.command, environment)
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=working, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _wait_for_health(recipe: Recipe, environment: dict[str, str], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_HEALTH
    probe = _on_path(recipe.probe, environment)
    while run(*probe, cwd=Path("/"), env=environment).returncode != 0:
        assert process.poll() is None, "the service ended before it was healthy"
        assert time.monotonic() < deadline, "the health check did not pass"
        time.sleep(0.2)


def _on_path(command: list[str], environment: dict[str, str]) -> list[str]:
    """The program found on the image's PATH, not on the tests'."""
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    return [program, *command[1:]]
