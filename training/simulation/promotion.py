"""Promotion and rollback under load. In: the shipped bundle. Out: requests lost, seconds until the other model answers.

The real service (`xiaobao serve --api-only`, production mode) follows a registry with the shipped network under two
names. Requests leave at a fixed rate whether or not earlier ones were answered; meanwhile the second name is promoted
and taken back. Each answer says which model gave it.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.load_client import request_bytes
from eval.services import RunningService, ServiceCommand
from models.bundle import current_bundle_folder, write_manifest
from models.promotion import add, promote, rollback
from models.registry import Registry

NAMES = ("first", "second")
CONNECTIONS = 64
BODY = json.dumps({"text": "存三年定期，回家一看是保险，我都六十八了，要求退还本金和利息。"}).encode()
WHO, WHY = "simulation", "promotion under load"


@dataclass(kw_only=True)
class Load:
    """What the clients saw: status or kind of failure; when each answer came and from which model."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    answers: list[tuple[float, str]] = field(default_factory=list)


def promote_under_load(*, rate: int, seconds: float) -> dict[str, Any]:
    """Promote after a third of the time, roll back after two thirds."""
    with tempfile.TemporaryDirectory(prefix="xiaobao-promotion-") as scratch:
        registry = _registry(Path(scratch))
        token = secrets.token_urlsafe(32)
        service = ServiceCommand(
            name="service",
            command=[str(Path(sys.executable).with_name("xiaobao")), "serve", "--api-only", "--port", "{port}"],
            path="/v1/triage",
            environment={
                "XIAOBAO_MODELS": str(registry.folder),
                "XIAOBAO_API_TOKEN": token,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        with RunningService(service, BODY, token=token, folder=Path(scratch)) as running:
            request = request_bytes(path=running.path, body=BODY, token=token)
            return asyncio.run(_run(running.port, request, registry, rate=rate, seconds=seconds))


def _registry(folder: Path) -> Registry:
    registry = Registry(folder / "models")
    for name in NAMES:
        copy = folder / name
        shutil.copytree(current_bundle_folder(), copy, ignore=shutil.ignore_patterns("training"))
        write_manifest(copy, name)
        add(registry, copy)
    promote(registry, NAMES[0], who=WHO, reason=WHY, force=True)
    return registry


async def _run(port: int, request: bytes, registry: Registry, *, rate: int, seconds: float) -> dict[str, Any]:
    load, due = Load(), asyncio.Queue[float | None]()
    clients = [asyncio.create_task(_client(port, request, due, load)) for _ in range(CONNECTIONS)]
    swaps = asyncio.create_task(_swap(registry, load, seconds / 3))
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
        due.put_nowait(time.perf_counter())
    for _ in clients:
        due.put_nowait(None)
    await asyncio.gather(*clients)
    moments = await swaps
    return _report(load, moments, rate=rate, asked=int(rate * seconds), took=time.perf_counter() - started)


async def _swap(registry: Registry, load: Load, pause: float) -> dict[str, tuple[float, float]]:
    """When each command began and returned; nothing is taken back before it has taken effect."""
    moments = {}
    for name in ("promotion", "rollback"):
        await asyncio.sleep(pause)
        while name == "rollback" and load.answers[-1][1] != NAMES[1]:
            await asyncio.sleep(0.05)
        begun = time.perf_counter()
        if name == "promotion":
            await asyncio.to_thread(promote, registry, NAMES[1], who=WHO, reason=WHY, force=True)
        else:
            await asyncio.to_thread(rollback, registry, who=WHO, reason=WHY)
        moments[name] = (begun, time.perf_counter())
    return moments


async def _client(port: int, request: bytes, due: "asyncio.Queue[float | None]", load: Load) -> None:
    """One connection; the time of a request counts from when it was due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (since := await due.get()) is not None:
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            load.statuses[type(error).__name__] += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        now, status = time.perf_counter(), head[9:12].decode()
        load.statuses[status] += 1
        load.seconds.append(now - since)
        if status == "200":
            load.answers.append((now, json.loads(body)["versions"]["bundle"]))
    writer.close()


def _report(
    load: Load, moments: dict[str, tuple[float, float]], *, rate: int, asked: int, took: float
) -> dict[str, Any]:
    ranked = sorted(load.seconds)
    report: dict[str, Any] = {
        "rate": rate,
        "asked": asked,
        "statuses": dict(load.statuses),
        "lost": asked - load.statuses["200"],
        "answers_per_second": round(load.statuses["200"] / took, 1),
        "p50_ms": round(1e3 * ranked[len(ranked) // 2], 1),
        "p99_ms": round(1e3 * ranked[int(0.99 * len(ranked))], 1),
        "longest_ms": round(1e3 * ranked[-1], 1),
    }
    for name, new in (("promotion", NAMES[1]), ("rollback", NAMES[0])):
        begun, returned = moments[name]
        until = moments["rollback"][0] if name == "promotion" else float("inf")
        of_new = [at for at, bundle in load.answers if begun < at < until and bundle == new]
        of_old = [at for at, bundle in load.answers if begun < at < until and bundle != new]
        first = min(of_new, default=float("nan")) - begun
        report[name] = {
            "command_seconds": round(returned - begun, 3),
            "first_answer_seconds": round(first, 3),
            "last_old_answer_seconds": round(max(of_old, default=begun) - begun, 3),
        }
    return report
