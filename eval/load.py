"""A minute of load on the real service. In: a running bundle. Out: requests, errors, latency, memory over time.

    python -m eval.load --seconds 60 --clients 8

Starts `xiaobao serve` in development mode on a free loopback port, calls `/v1/triage` from several clients with corpus
texts, and fails if any answer is not 200 or if memory has grown by more than a tenth after the first quarter.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from data.dataset import read_corpus
from data.taxonomy import default_taxonomy
from eval.services import free_port

MOST_GROWTH = 1.10


@dataclass(kw_only=True)
class LoadOutcome:
    """What the clients saw; latencies in seconds, memory in MB."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def report(self, duration: float) -> dict[str, object]:
        p50, p99 = np.percentile(self.seconds, [50, 99]) * 1e3
        return {
            "requests": sum(self.statuses.values()),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "per_second": round(sum(self.statuses.values()) / duration, 1),
            "p50_ms": round(float(p50), 2),
            "p99_ms": round(float(p99), 2),
            "memory_mb_first_quarter": round(self._first_quarter(), 1),
            "memory_mb_last": round(self.memory[-1], 1),
        }

    def is_good(self) -> bool:
        """Only 200s, and flat memory."""
        return set(self.statuses) == {200} and self.memory[-1] <= self._first_quarter() * MOST_GROWTH

    def _first_quarter(self) -> float:
        return max(self.memory[: max(1, len(self.memory) // 4)])


async def load(address: str, texts: list[str], *, clients: int, seconds: float, pid: int) -> LoadOutcome:
    """Call the service from `clients` connections until the time is over."""
    outcome = LoadOutcome()
    until = time.monotonic() + seconds

    async def client(number: int, http: httpx.AsyncClient) -> None:
        i = number
        while time.monotonic() < until:
            started = time.perf_counter()
            response = await http.post("/v1/triage", json={"text": texts[i % len(texts)]})
            outcome.seconds.append(time.perf_counter() - started)
            outcome.statuses[response.status_code] += 1
            i += clients

    async def watch_memory() -> None:
        while time.monotonic() < until:
            outcome.memory.append(resident_mb(pid))
            await asyncio.sleep(min(1.0, seconds / 8))

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30, trust_env=False) as http:
        await asyncio.gather(watch_memory(), *(client(number, http) for number in range(clients)))
    return outcome


def resident_mb(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def start_service(port: int) -> "subprocess.Popen[bytes]":
    """Start the service and wait until it is ready."""
    command = [str(Path(sys.executable).with_name("xiaobao")), "serve", "--port", str(port)]
    environment = {**os.environ, "XIAOBAO_ENVIRONMENT": "development"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return process
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("the service did not become ready; run `xiaobao serve` to see why")


def main() -> None:
    """Run the load and print one JSON object; exit 1 if it was not good."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    texts = [text.text for text in read_corpus(default_taxonomy())]
    port = free_port()
    process = start_service(port)
    try:
        address = f"http://127.0.0.1:{port}"
        outcome = asyncio.run(load(address, texts, clients=options.clients, seconds=options.seconds, pid=process.pid))
    finally:
        process.terminate()
        process.wait(20)
    sys.stdout.write(json.dumps(outcome.report(options.seconds)) + "\n")
    if not outcome.is_good():
        sys.exit(1)


if __name__ == "__main__":
    main()
