"""Does the corpus give its labels away, and does its wording stay diverse? In: labelled texts. Out: figures.

A probe predicts a label from voice, writer and length alone, cross-validated over texts: far above the majority class
would mean that a model could learn the card instead of the matter. Distinct-n is the share of distinct character
n-grams; later texts are compared with the first 600 at equal size. Needs the extra `train` (scikit-learn).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from data.schema import LabelledText
from data.wording import bare_characters

FACETS = ("category", "cause")
FIRST_TEXTS = 600
FOLDS = 5
MOST_ABOVE_MAJORITY = 0.05
# Later texts were asked to be plainer, so a little less distinct is meant; a tenth would be repetition.
LEAST_DIVERSITY = 0.9  # of the first texts' distinct share
SEED = 20261123


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How well a label is guessed without reading the text."""

    facet: str
    accuracy: float
    majority: float

    @property
    def is_good(self) -> bool:
        return self.accuracy <= self.majority + MOST_ABOVE_MAJORITY


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """Distinct share of character n-grams in the first texts and in later ones of equal size."""

    n: int
    first: float
    later: float

    @property
    def is_good(self) -> bool:
        return self.later >= self.first * LEAST_DIVERSITY


def probe_labels(texts: Sequence[LabelledText]) -> list[Probe]:
    """One probe per facet, over the texts that have it."""
    return [_probe([text for text in texts if getattr(text, facet)], facet) for facet in FACETS]


def _probe(texts: Sequence[LabelledText], facet: str) -> Probe:
    labels = np.array([getattr(text, facet) for text in texts])
    names, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, names[counts >= FOLDS])
    forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=5, random_state=SEED, n_jobs=1)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    accuracy = cross_val_score(forest, _features(texts)[kept], labels[kept], cv=folds).mean()
    return Probe(facet=facet, accuracy=round(float(accuracy), 3), majority=round(float(counts.max() / kept.sum()), 3))


def _features(texts: Sequence[LabelledText]) -> npt.NDArray[np.float64]:
    voices = sorted({text.voice for text in texts})
    writers = sorted({text.writer for text in texts})
    return np.array(
        [
            [*(text.voice == v for v in voices), *(text.writer == w for w in writers), np.log1p(len(text.text))]
            for text in texts
        ],
        dtype=np.float64,
    )


def diversity(texts: Sequence[LabelledText]) -> list[Diversity]:
    """Distinct-2 and distinct-3 of the first texts beside as many characters of the later ones."""
    bare = [bare_characters(text.text) for text in texts]
    first = "".join(bare[:FIRST_TEXTS])
    order = np.random.default_rng(SEED).permutation(len(bare))
    later = "".join(bare[i] for i in order if i >= FIRST_TEXTS)[: len(first)]
    size = min(len(first), len(later))
    return [
        Diversity(n=n, first=round(_distinct(first[:size], n), 3), later=round(_distinct(later[:size], n), 3))
        for n in (2, 3)
        if size > n
    ]


def _distinct(characters: str, n: int) -> float:
    grams = [characters[i : i + n] for i in range(len(characters) - n + 1)]
    return len(set(grams)) / len(grams)
