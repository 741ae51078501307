"""What Ray costs. In: a number of texts. Out: texts a second of two actors beside two processes without Ray, by turns.

Both read Parquet and write JSON Lines with the same predictor, one ONNX thread each: on Ray one run over the whole
file, without it `--workers 1` in so many processes at once, each over its part of the file. The seconds of the same
commands on a few texts, with starting and loading, are taken off, so that the rate of the work itself is compared; the
whole wall time is shown as well.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from eval.scale.runs import RAY, predict
from eval.scale.texts import write_texts

FEW = 8
LEAST_SHARE = 0.85


@dataclass(frozen=True, kw_only=True)
class ThroughputOutcome:
    engine: str
    texts: int
    rounds: int
    start_seconds: float
    seconds: float
    """Whole wall time, the median of the rounds."""

    @property
    def per_second(self) -> float:
        return (self.texts - FEW) / (self.seconds - self.start_seconds)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    plain: ThroughputOutcome
    ray: ThroughputOutcome

    @property
    def share(self) -> float:
        return self.ray.per_second / self.plain.per_second

    def is_good(self) -> bool:
        return self.share >= LEAST_SHARE


def compare(folder: Path, texts: int, *, workers: int, rounds: int) -> Comparison:
    """Measure both by turns, so that what else the machine does hits both."""
    engines: dict[str, Callable[[Path, int], float]] = {
        "processes": lambda place, count: _plain(place, count, workers),
        "ray": lambda place, count: _ray(place, count, workers),
    }
    start: dict[str, list[float]] = {engine: [] for engine in engines}
    whole: dict[str, list[float]] = {engine: [] for engine in engines}
    for turn in range(rounds):
        for engine, run in engines.items():
            for count, seconds in ((FEW, start), (texts, whole)):
                place = folder / f"{engine}-{turn}-{count}"
                place.mkdir()
                seconds[engine].append(run(place, count))
    plain, ray = (
        ThroughputOutcome(
            engine=engine,
            texts=texts,
            rounds=rounds,
            start_seconds=median(start[engine]),
            seconds=median(whole[engine]),
        )
        for engine in engines
    )
    return Comparison(plain=plain, ray=ray)


def _plain(place: Path, count: int, workers: int) -> float:
    sources = [place / f"texts-{i}.parquet" for i in range(workers)]
    for source in sources:
        write_texts(source, count // workers)
    started = time.monotonic()
    runs = [predict(source, source.with_suffix(".answers.jsonl"), "--workers", "1") for source in sources]
    for run in runs:
        run.wait()
    return time.monotonic() - started


def _ray(place: Path, count: int, workers: int) -> float:
    source = place / "texts.parquet"
    write_texts(source, count)
    partition = str(max(1, min(1_000, count // (4 * workers))))
    started = time.monotonic()
    predict(source, place / "answers", *RAY, "--workers", str(workers), "--partition-rows", partition).wait()
    return time.monotonic() - started
