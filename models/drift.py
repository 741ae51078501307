"""Does what comes in still look like what the model knows? In: texts with probabilities. Out: distances, noise, alerts.

    labels:FACET      Jensen–Shannon distance of the codes given, 0 to 1
    confidence:FACET  the same of the best code's probability, in tenths
    length            the same of characters, in six classes
    vocabulary        share of a text's character pairs that the reference's vocabulary lacks, beyond the reference's
    embedding         distance of the means of the model's outputs (all leaves, sub-causes, channels, flags), in units
                      of the reference's own spread

Each is compared with its threshold and with what chance alone gives for so few texts: the 99th percentile over texts
drawn from the reference. An alert needs both.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data.errors import InputFileError
from data.files import write_whole

FACETS = ("order_type", "category", "cause", "channel")
OUTPUTS = ("leaf", "subcause", "channel", "flags")
LENGTHS = (0, 30, 90, 200, 350, 1000)
TENTHS = 10
DRAWS = 300
CHANCE = 99  # percentile
SEED = 20261130
LEAST_TEXTS = 50
THRESHOLDS = {"labels": 0.15, "confidence": 0.15, "length": 0.2, "vocabulary": 0.05, "embedding": 0.3}
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One text with the model's probabilities by facet and code."""

    text: str = field(repr=False)
    probabilities: Mapping[str, Mapping[str, float]] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the model knows: histograms by measure, vocabulary, outputs."""

    name: str
    texts: int
    histograms: Mapping[str, Mapping[str, float]]
    vocabulary: frozenset[str] = field(repr=False)
    novelty: tuple[float, float]
    """Mean and standard deviation over the reference's own texts."""
    outputs: tuple[str, ...] = field(repr=False)
    mean: tuple[float, ...] = field(repr=False)
    spread: float

    def write(self, file: Path) -> None:
        content = asdict(self) | {"vocabulary": sorted(self.vocabulary)}
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(content, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises InputFileError."""
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            tuples = {name: tuple(content[name]) for name in ("novelty", "outputs", "mean")}
            return cls(**content | tuples | {"vocabulary": frozenset(content["vocabulary"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputFileError(f"{file} is no drift reference; make one: xiaobao drift reference") from error


@dataclass(frozen=True, kw_only=True)
class Measure:
    """`alert` if the distance exceeds both the threshold and what chance gives."""

    name: str
    distance: float
    chance: float
    threshold: float

    @property
    def alert(self) -> bool:
        return self.distance > max(self.threshold, self.chance)


def build_reference(
    name: str, observations: Sequence[Observation], *, vocabulary_texts: Sequence[str] | None = None
) -> Reference:
    """A reference of a model's texts; the vocabulary may come from others, such as those it was trained on.

    Raises InputFileError for too few texts.
    """
    if len(observations) < LEAST_TEXTS:
        raise InputFileError(f"{len(observations)} texts are too few for a reference; expected at least {LEAST_TEXTS}")
    if vocabulary_texts is None:  # half of the texts judge the other half, or none would ever be new
        vocabulary_texts = [one.text for one in observations[::2]]
        judged = observations[1::2]
    else:
        judged = observations
    seen = Counter(pair for text in vocabulary_texts for pair in _pairs(text))
    vocabulary = frozenset(seen)
    novelty = np.array([_novelty(one.text, vocabulary) for one in judged])
    outputs = tuple(
        sorted({f"{o}:{code}" for one in observations for o in OUTPUTS for code in one.probabilities.get(o, {})})
    )
    vectors = _vectors(observations, outputs)
    mean = vectors.mean(axis=0)
    return Reference(
        name=name,
        texts=len(observations),
        histograms={key: _shares(values) for key, values in _values(observations).items()},
        vocabulary=vocabulary,
        novelty=(float(novelty.mean()), float(novelty.std())),
        outputs=outputs,
        mean=tuple(mean.tolist()),
        spread=float(np.sqrt(((vectors - mean) ** 2).sum(axis=1).mean())),
    )


def measure_drift(
    reference: Reference, observations: Sequence[Observation], thresholds: Mapping[str, float] = THRESHOLDS
) -> list[Measure]:
    """All measures of some texts against a reference. Raises InputFileError for too few texts."""
    n = len(observations)
    if n < LEAST_TEXTS:
        raise InputFileError(f"{n} texts say nothing about drift; expected at least {LEAST_TEXTS}; take more days")
    measures = []
    for name, values in _values(observations).items():
        expected = reference.histograms.get(name, {})
        distance, chance = _distance(expected, _shares(values)), _chance(expected, len(values))
        measures.append(_measure(name, distance, chance, thresholds))
    mean, deviation = reference.novelty
    novelty = float(np.mean([_novelty(one.text, reference.vocabulary) for one in observations]))
    measures.append(_measure("vocabulary", novelty - mean, 2.33 * deviation / np.sqrt(n), thresholds))
    moved = np.linalg.norm(_vectors(observations, reference.outputs).mean(axis=0) - np.array(reference.mean))
    # The mean of n texts lies about spread/√n from the true one; twice that is beyond chance.
    measures.append(_measure("embedding", float(moved) / max(reference.spread, 1e-9), 2 / np.sqrt(n), thresholds))
    return measures


def _measure(name: str, distance: float, chance: float, thresholds: Mapping[str, float]) -> Measure:
    threshold = thresholds[name.split(":")[0]]
    return Measure(name=name, distance=round(distance, 4), chance=round(float(chance), 4), threshold=threshold)


def _values(observations: Sequence[Observation]) -> dict[str, list[str]]:
    """Measure → the class of every text that has one."""
    values: dict[str, list[str]] = {"length": [_length(one.text) for one in observations]}
    for facet in FACETS:
        given = [p for one in observations if (p := one.probabilities.get(facet))]
        best = [max(p, key=p.__getitem__) for p in given]
        values[f"labels:{facet}"] = best
        values[f"confidence:{facet}"] = [
            str(min(TENTHS - 1, int(TENTHS * p[code]))) for p, code in zip(given, best, strict=True)
        ]
    return {name: classes for name, classes in values.items() if classes}


def _length(text: str) -> str:
    return f"from {max(start for start in LENGTHS if len(text) >= start)}"


def _shares(values: Sequence[str]) -> dict[str, float]:
    return {key: count / len(values) for key, count in sorted(Counter(values).items())}


def _distance(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Jensen–Shannon distance with base 2: 0 for equal, 1 for nothing in common."""
    keys = sorted({*first, *second})
    p, q = (np.array([side.get(key, 0.0) for key in keys]) for side in (first, second))
    return float(_js(p, q))


def _js(p: FloatArray, q: FloatArray) -> FloatArray:
    middle = (p + q) / 2

    def divergence(side: FloatArray) -> FloatArray:
        ratio = np.divide(side, middle, out=np.ones_like(middle), where=(side > 0) & (middle > 0))
        return np.asarray((side * np.log2(ratio)).sum(axis=-1))

    return np.asarray(np.sqrt(np.maximum(0.0, (divergence(p + 0 * q) + divergence(q + 0 * p)) / 2)))


def _chance(expected: Mapping[str, float], n: int) -> float:
    """What n texts of the reference itself show."""
    p = np.array(list(expected.values()))
    if not len(p):
        return 0.0
    drawn = np.random.default_rng(SEED).multinomial(n, p / p.sum(), size=DRAWS) / n
    return float(np.percentile(_js(np.broadcast_to(p, drawn.shape), drawn), CHANCE))


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _novelty(text: str, vocabulary: frozenset[str]) -> float:
    pairs = _pairs(text)
    return len(pairs - vocabulary) / max(1, len(pairs))


def _vectors(observations: Sequence[Observation], outputs: Sequence[str]) -> FloatArray:
    rows = np.zeros((len(observations), len(outputs)))
    places = {name: i for i, name in enumerate(outputs)}
    for row, one in zip(rows, observations, strict=True):
        for output in OUTPUTS:
            for code, p in one.probabilities.get(output, {}).items():
                if (place := places.get(f"{output}:{code}")) is not None:
                    row[place] = p
    return rows
