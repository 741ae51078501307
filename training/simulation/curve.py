"""What the choice of cases is worth. In: the corpus. Out: macro-F1 on test by number of labels, for two strategies.

A model trained on 30 % of the training texts; the rest plays the bank's traffic, week by week. Each week the model
reads what is undecided, `training.selection` (or chance) chooses a batch, reviewers decide it, five labels of a hundred
wrong, and the model is trained anew. The learner is the lexical baseline in its fastest form (words, TF-IDF, logistic
loss by stochastic gradient): a transformer trained anew for each of these points would take days on two cores, and
every stored network has read all of these labels already.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jieba
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from tqdm import tqdm

from data.preparation import prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.metrics import score_codes
from training.label_audit import suspicious_labels
from training.learning_curve import part_of
from training.selection import Candidate, choose
from training.simulation.labels import as_row, with_wrong_labels

FACETS = ("category", "cause")
START_SHARE = 0.3
WRONG = 0.05
STRATEGIES = ("active", "random")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model: how many labels it learned, of them from reviewers, and macro-F1 with its interval by facet."""

    strategy: str
    seed: int
    week: int
    labels: int
    macro_f1: dict[str, list[float]]
    audit: dict[str, float]
    """Of the week's batch: wrong labels of the facets, how many `labels audit` names, and how many it names rightly."""


class Learner:
    """One classifier a facet and one a flag, on words."""

    def __init__(self, words: dict[str, list[str]], seed: int) -> None:
        self._words = words
        self._seed = seed

    def fit(self, texts: Sequence[LabelledText]) -> None:
        self._vectors = TfidfVectorizer(analyzer=_as_it_is, sublinear_tf=True, min_df=2)
        features = self._vectors.fit_transform([self._words[text.id] for text in texts])
        self._facets = {}
        for facet in FACETS:
            known = [i for i, text in enumerate(texts) if getattr(text, facet) is not None]
            self._facets[facet] = _classifier(self._seed).fit(
                features[known], [getattr(texts[i], facet) for i in known]
            )
        codes = sorted({flag for text in texts for flag in text.flags})
        marks = {code: np.array([code in text.flags for text in texts]) for code in codes}
        self._flags = {
            code: _classifier(self._seed).fit(features, given) for code, given in marks.items() if given.sum() >= 10
        }

    def answers(self, texts: Sequence[LabelledText], facet: str) -> list[str]:
        """The likeliest code of every text."""
        return [str(code) for code in self._facets[facet].predict(self._features(texts))]

    def candidates(self, texts: Sequence[LabelledText]) -> list[Candidate]:
        """The texts with probabilities by facet, flags among them."""
        features = self._features(texts)
        facets = {facet: (list(map(str, c.classes_)), c.predict_proba(features)) for facet, c in self._facets.items()}
        flags = {code: classifier.predict_proba(features)[:, 1] for code, classifier in self._flags.items()}
        return [
            Candidate(
                id=text.id,
                text=text.text,
                probabilities={
                    **{facet: dict(zip(codes, p[i].tolist(), strict=True)) for facet, (codes, p) in facets.items()},
                    "flags": {code: float(p[i]) for code, p in flags.items()},
                },
            )
            for i, text in enumerate(texts)
        ]

    def _features(self, texts: Sequence[LabelledText]) -> Any:
        return self._vectors.transform([self._words[text.id] for text in texts])


def simulate(
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    taxonomy: Taxonomy,
    *,
    weeks: int,
    batch: int,
    seeds: Sequence[int],
) -> list[Point]:
    """All points of both strategies; the point of week 0 is the same for both."""
    texts = [*train, *test]
    words = {text.id: jieba.lcut(prepare_text(text.text, taxonomy).model_text) for text in tqdm(texts, disable=None)}
    return [
        point
        for seed in seeds
        for strategy in STRATEGIES
        for point in _run(train, test, Learner(words, seed), strategy=strategy, weeks=weeks, batch=batch, seed=seed)
    ]


def _run(
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    learner: Learner,
    *,
    strategy: str,
    weeks: int,
    batch: int,
    seed: int,
) -> Iterator[Point]:
    known = part_of(train, START_SHARE)
    started = {text.id for text in known}
    pool = {text.id: text for text in train if text.id not in started}
    audit: dict[str, float] = {}
    for week in range(weeks + 1):
        learner.fit(known)
        yield Point(
            strategy=strategy, seed=seed, week=week, labels=len(known), macro_f1=_scores(learner, test), audit=audit
        )
        if week == weeks:
            return
        candidates = learner.candidates(list(pool.values()))
        chosen = _choose(candidates, strategy, batch, seed=1000 * seed + week)
        decided = with_wrong_labels([pool.pop(name) for name in chosen], train, share=WRONG, seed=1000 * seed + week)
        audit = _audited(decided, {candidate.id: candidate for candidate in candidates}, train)
        known = [*known, *decided]


def _choose(candidates: Sequence[Candidate], strategy: str, batch: int, *, seed: int) -> list[str]:
    if strategy == "active":
        return [choice.id for choice in choose(candidates, batch, seed=seed)]
    ids = sorted(candidate.id for candidate in candidates)
    return list(np.random.default_rng(seed).permutation(ids)[:batch])


def _audited(
    decided: Sequence[LabelledText], candidates: dict[str, Candidate], train: Sequence[LabelledText]
) -> dict[str, float]:
    """How well the audit tells the wrong labels of a batch by the probabilities from before it was decided."""
    truth = {text.id: text for text in train}
    wrong = {(t.id, f) for t in decided for f in FACETS if getattr(t, f) != getattr(truth[t.id], f)}
    rows = [replace(as_row(text), probabilities=candidates[text.id].probabilities) for text in decided]
    named = {(one.id, facet) for facet in FACETS for one in suspicious_labels(rows, facet)}
    return {"wrong": len(wrong), "named": len(named), "named_rightly": len(named & wrong)}


def _scores(learner: Learner, test: Sequence[LabelledText]) -> dict[str, list[float]]:
    scores = {}
    for facet in FACETS:
        judged = [text for text in test if getattr(text, facet) is not None]
        pairs = list(zip([getattr(text, facet) for text in judged], learner.answers(judged, facet), strict=True))
        scores[facet] = score_codes(pairs)["macro_f1"]
    return scores


def _classifier(seed: int) -> SGDClassifier:
    return SGDClassifier(loss="log_loss", alpha=2e-5, class_weight="balanced", random_state=seed)


def _as_it_is(words: list[str]) -> list[str]:
    return words


def curve_lines(points: Sequence[Point]) -> list[str]:
    """The table for docs/loop.md: mean over the seeds."""
    lines = ["| labels | category: active | random | cause: active | random |", "|---|---|---|---|---|"]
    for week in sorted({point.week for point in points}):
        cells = []
        for facet in FACETS:
            for strategy in STRATEGIES:
                values = [p.macro_f1[facet][0] for p in points if (p.week, p.strategy) == (week, strategy)]
                cells.append(f"{np.mean(values):.3f} ({min(values):.3f}–{max(values):.3f})")
        labels = next(point.labels for point in points if point.week == week)
        lines.append(f"| {labels} | {' | '.join(cells)} |")
    sums = {key: sum(p.audit.get(key, 0) for p in points) for key in ("wrong", "named", "named_rightly")}
    found = sums["named_rightly"]
    lines.append(
        f"\n`labels audit` on the batches: of {sums['wrong']:.0f} wrong labels {found:.0f} are named "
        f"({found / max(1, sums['wrong']):.3f}); of {sums['named']:.0f} named "
        f"{found / max(1, sums['named']):.3f} are wrong."
    )
    return lines
