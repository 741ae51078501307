"""How fast the service is, beside peers in the same run on the same machine. In: a bundle. Out: figures and ratios.

    python -m eval.latency [--output speed.json] [--bundle FOLDER] [--weights model.safetensors] [--seconds 3]

For each service: requests a second, p50 and p99 with 1, 8 and 32 clients for a complaint of 100 characters, memory of
the process tree after that load, seconds from the start of the process to the first answer. Then what our service costs
by length of text and by number of clients, and `xiaobao predict` beside the bare ONNX session.

Peers: a transformers pipeline on PyTorch fp32 behind FastAPI (extra `train`), with random weights of the bundle's shape
unless `--weights` gives real ones, since values do not change speed; and LitServe with our ONNX model (extra `bench`),
once giving labels alone and once the whole answer. A peer that is not installed is named and left out. Services are
loaded in turn and the middle of three rounds counts. Nothing else should run on the machine; the load before the run is
part of the report, and so is the processor time per request, which suffers less from neighbours. Linux only.
"""

import argparse
import base64
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from eval.services import RunningService, ServiceCommand
from models.bundle import current_bundle_folder, load_bundle

CLIENTS = (1, 8, 32)
CURVE_CLIENTS = (1, 2, 4, 8, 16, 32, 64)
CURVE_LENGTHS = (20, 50, 100, 200, 500, 1000, 2000)
CURVE_SECONDS = 1.0
BULK_TEXTS = 800
ROUNDS = 3
OURS = ("xiaobao serve", "xiaobao serve --api-only")
SENTENCES = (
    "去年三月我在网点存三年定期，柜员说换个产品利息更高，回家一看是五年的保险，要退还得扣两成。"
    "我今年六十八岁，儿女都在外地，签字的时候没有人给我念合同，也没有录像。"
    "打了四次客服电话，每次都说正在核实，让我等通知，到现在也没有人回。"
    "再不解决我就向监管部门反映，请贵行把本金和利息退给我，并书面说明是谁让我签的字。"
)
PARTS = ("services", "lengths", "clients", "bulk")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run measures with."""

    bundle: Path
    weights: Path | None
    seconds: float
    token: str
    folder: Path
    """For bodies, logs and answers; goes away with the run."""


def complaint(characters: int) -> str:
    """A complaint of that many characters."""
    return (SENTENCES * (characters // len(SENTENCES) + 1))[:characters]


def services(run: Run) -> list[ServiceCommand]:
    """All services in the order they are measured, peers first."""
    python, bundle = sys.executable, ["--bundle", str(run.bundle)]
    environment = {
        "XIAOBAO_ENVIRONMENT": "production", "XIAOBAO_API_TOKEN": run.token, "XIAOBAO_BUNDLE": str(run.bundle),
        "XIAOBAO_DATA_FOLDER": str(run.folder),
        "XIAOBAO_MASTER_KEYS": f"bench:{base64.b64encode(os.urandom(32)).decode()}",
    }  # fmt: skip
    weights = ["--weights", str(run.weights)] if run.weights else []
    peer = [python, "-m"]
    litserve = [*peer, "eval.peers.litserve_service", "--port", "{port}", *bundle, "--answer"]
    serve = [str(Path(python).with_name("xiaobao")), "serve", "--port", "{port}"]
    commands = {
        "transformers pipeline": [*peer, "eval.peers.pipeline_service", "--port", "{port}", *bundle, *weights],
        "LitServe, labels only": [*litserve, "labels"],
        "LitServe, whole answer": [*litserve, "whole"],
        OURS[0]: serve,
        OURS[1]: [*serve, "--api-only"],
    }
    return [
        ServiceCommand(
            name=name,
            command=command,
            path="/v1/triage" if name in OURS else "/predict",
            environment=environment,
        )
        for name, command in commands.items()
    ]


def missing_extra(name: str) -> str | None:
    """The extra whose absence keeps a service from running here, or None."""
    needed = {"transformers": ("train", ("torch", "transformers", "onnx")), "LitServe,": ("bench", ("litserve",))}
    extra, modules = needed.get(name.split()[0], ("", ()))
    return extra if any(importlib.util.find_spec(module) is None for module in modules) else None


def measure_services(run: Run) -> dict[str, Any]:
    """All services side by side: each is loaded in turn, several rounds, so that a slow minute meets all of them."""
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        running: dict[str, RunningService] = {}
        for service in services(run):
            if extra := missing_extra(service.name):
                _say(f"{service.name}: left out, needs pip install 'xiaobao[{extra}]'")
                results[service.name] = {"needs_extra": extra}
                continue
            _say(f"{service.name}: starting")
            started = RunningService(service, _body(100), token=run.token, folder=run.folder)
            try:
                running[service.name] = stack.enter_context(started)
            except (RuntimeError, OSError) as error:
                _say(f"failed: {error}")
                results[service.name] = {"error": str(error)}
        rounds: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for number in range(1, ROUNDS + 1):
            _say(f"round {number} of {ROUNDS}")
            for clients, (name, process) in product(CLIENTS, running.items()):
                load = _load(process, run, _body(100), clients=clients, seconds=run.seconds / ROUNDS)
                rounds.setdefault((name, clients), []).append(load)
        for name, process in running.items():
            results[name] = {
                "first_answer_seconds": round(process.first_answer_seconds, 3),
                "clients": {clients: median_load(rounds[name, clients]) for clients in CLIENTS},
                "memory_mb": process.memory_mb(),
            }
    return results


def median_load(loads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The middle of the rounds, figure by figure."""
    figures = ("per_second", "p50_ms", "p99_ms", "service_cpu_ms_per_request", "client_cpu_ms_per_request")
    statuses: Counter[str] = Counter()
    for load in loads:
        statuses.update(load["statuses"])
    middle = {figure: round(median(load[figure] for load in loads), 3) for figure in figures}
    return {**middle, "statuses": dict(statuses)}


def measure_curves(service: ServiceCommand, run: Run, parts: Iterable[str]) -> dict[str, Any]:
    """What a service costs by length (one client and eight) and by number of clients."""
    curves: dict[str, Any] = {}
    with RunningService(service, _body(100), token=run.token, folder=run.folder) as running:
        if "lengths" in parts:
            curves["lengths"] = {
                length: {
                    clients: _load(running, run, _body(length), clients=clients, seconds=CURVE_SECONDS)
                    for clients in (1, 8)
                }
                for length in CURVE_LENGTHS
            }
        if "clients" in parts:
            curves["clients"] = {
                clients: _load(running, run, _body(100), clients=clients, seconds=CURVE_SECONDS)
                for clients in CURVE_CLIENTS
            }
        curves["memory_mb_after"] = running.memory_mb()
    return curves


def _load(running: RunningService, run: Run, body: bytes, *, clients: int, seconds: float) -> dict[str, Any]:
    file = run.folder / "body.json"
    file.write_bytes(body)
    command = [sys.executable, "-m", "eval.load_client", "--port", str(running.port), "--path", running.path]
    command += ["--clients", str(clients), "--seconds", str(seconds), "--body", str(file), "--token", run.token]
    before = running.cpu_seconds()
    report = _call(command, run)
    if not report["requests"]:
        raise RuntimeError(f"no answer within {seconds} s; give more time with --seconds")
    if set(report["statuses"]) != {"200"}:
        raise RuntimeError(f"answers other than 200, which are no speed: {report['statuses']}")
    cpu = running.cpu_seconds() - before
    return {**report, "service_cpu_ms_per_request": round(cpu * 1e3 / sum(report["statuses"].values()), 3)}


def _body(characters: int) -> bytes:
    return json.dumps({"text": complaint(characters)}, ensure_ascii=False).encode()


def measure_bulk(run: Run) -> dict[str, Any]:
    """`xiaobao predict` beside the bare session, on corpus texts."""
    from data.dataset import read_corpus
    from data.taxonomy import default_taxonomy

    corpus = read_corpus(default_taxonomy())
    texts = [text.text for text in corpus[:: max(1, len(corpus) // BULK_TEXTS)]][:BULK_TEXTS]
    file = run.folder / "texts.jsonl"
    lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    file.write_text("".join(lines), encoding="utf-8")
    results: dict[str, Any] = {}
    for what in ("engine", "command"):
        command = [sys.executable, "-m", "eval.bulk_speed", what, "--input", str(file), "--bundle", str(run.bundle)]
        results[what] = _call(command, run)
    share = results["command"]["texts_per_second"] / results["engine"]["texts_per_second"]
    return {**results, "share_of_engine": round(share, 3)}


def ratios(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Ours over each peer: requests a second (more is better); p50, memory and start (less is better)."""
    return {
        f"{ours} / {peer}": _ratio(measured[ours], measured[peer])
        for ours in OURS
        for peer in measured
        if peer not in OURS and "clients" in measured[peer] and "clients" in measured.get(ours, {})
    }


def _ratio(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float]:
    def over(*path: Any) -> float:
        ours_value, peer_value = ours, peer
        for key in path:
            ours_value, peer_value = ours_value[key], peer_value[key]
        return round(float(ours_value) / float(peer_value), 3)  # type: ignore[arg-type]

    per_second = {f"per_second_{clients}": over("clients", clients, "per_second") for clients in CLIENTS}
    return {
        **per_second,
        "p50_1": over("clients", 1, "p50_ms"),
        "rss": over("memory_mb", "rss_mb"),
        "pss": over("memory_mb", "pss_mb"),
        "first_answer": over("first_answer_seconds"),
    }


def model_facts(bundle_folder: Path) -> dict[str, Any]:
    """Size and tokens of the measured texts."""
    from models.tokenization import TextTokenizer

    bundle = load_bundle(bundle_folder)
    tokenizer = TextTokenizer(bundle.tokenizer_file, max(CURVE_LENGTHS))  # beyond one run: letters go in windows
    return {
        "bundle": bundle.name,
        "model_bytes": bundle.model_file.stat().st_size,
        "bundle_bytes": sum(file.stat().st_size for file in bundle.folder.iterdir() if file.is_file()),
        "tokens_by_characters": {length: len(tokenizer.tokenize(complaint(length)).ids) for length in CURVE_LENGTHS},
    }


def measure(run: Run, parts: Iterable[str]) -> dict[str, Any]:
    """Everything asked for, in one report."""
    report: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "model": model_facts(run.bundle),
    }
    known = {service.name: service for service in services(run)}
    if "services" in parts:
        report["services"] = measure_services(run)
        report["ratios"] = ratios(report["services"])
    if {"lengths", "clients"} & set(parts):
        _say("curves of xiaobao serve --api-only")
        report["curves"] = _tried(measure_curves, known[OURS[1]], run, parts)
    if "bulk" in parts:
        _say("bulk")
        report["bulk"] = _tried(measure_bulk, run)
    return report


def _tried(measurement: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """A measurement's result, or its error: minutes of other measurements must not be lost with it."""
    try:
        return measurement(*arguments)
    except (RuntimeError, OSError) as error:
        _say(f"failed: {error}")
        return {"error": str(error)}


def _call(command: list[str], run: Run) -> dict[str, Any]:
    """The JSON object that a command prints. Raises RuntimeError with the command's last line."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=run.folder)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise RuntimeError(f"{' '.join(command[1:4])} failed: {''.join(last)}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    """Print a table, then the report as JSON, or write the latter to --output."""
    from eval.latency_table import render

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=None, help="Default: the shipped one.")
    parser.add_argument("--weights", type=Path, default=None, help="safetensors of the classifier, for the pipeline.")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="Of load per service and number of clients, all rounds."
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="Which of services,lengths,clients,bulk.")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            bundle=(options.bundle or current_bundle_folder()).resolve(),
            weights=options.weights.resolve() if options.weights else None,
            seconds=options.seconds,
            token=secrets.token_urlsafe(32),
            folder=Path(folder),
        )
        report = measure(run, options.parts.split(","))
    content = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    if options.output:
        options.output.write_text(content, encoding="utf-8")
        sys.stdout.write(render(report))
    else:
        sys.stderr.write(render(report))
        sys.stdout.write(content)


if __name__ == "__main__":
    main()
