"""Which cases are worth a person's time. In: undecided cases with the model's probabilities. Out: which, and why.

uncertain   smallest margin between the two likeliest codes, category or cause whichever is smaller
diverse     far apart in words: k-means++ seeding (D² sampling, Arthur and Vassilvitskii 2007) on character n-grams
risk        for each risk flag in turn those whose probability is nearest to one half, rare flags as often as others
random      a sample that no model has biased: without it nobody would notice what the model is wrongly sure of
blind       decided cases again, by a second person who does not see the first decision
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

Reason = Literal["uncertain", "diverse", "risk", "random", "blind"]
SHARES: dict[Reason, float] = {"uncertain": 0.4, "diverse": 0.2, "risk": 0.2, "random": 0.15, "blind": 0.05}
FACETS = ("category", "cause")
DIMENSIONS = 64
LIKELY_FLAG = 0.02
"""Flags that the model is nearly sure not to see are no risk stratum."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    id: str
    text: str = field(repr=False)
    probabilities: Mapping[str, Mapping[str, float]] = field(repr=False)
    """By facet and code; `flags` among them."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    id: str
    reason: Reason


def choose(candidates: Sequence[Candidate], number: int, *, decided: Sequence[str] = (), seed: int = 0) -> list[Choice]:
    """At most `number` cases, none twice; where a stratum lacks cases the random one fills up."""
    random = np.random.default_rng(seed)
    quota = {reason: round(share * number) for reason, share in SHARES.items()}
    chosen: dict[str, Choice] = {}

    def take(reason: Reason, ids: Sequence[str], most: int) -> None:
        for name in [name for name in ids if name not in chosen][:most]:
            chosen[name] = Choice(id=name, reason=reason)

    take("blind", random.permutation(np.array(sorted(decided), dtype=object)).tolist(), quota["blind"])
    take("uncertain", by_uncertainty(candidates), quota["uncertain"])
    take("risk", by_risk(candidates), quota["risk"])
    left = [candidate for candidate in candidates if candidate.id not in chosen]
    take("diverse", by_diversity(left, quota["diverse"], seed=seed), quota["diverse"])
    pool = np.array(sorted(candidate.id for candidate in candidates), dtype=object)
    take("random", random.permutation(pool).tolist(), number - len(chosen))
    return list(chosen.values())


def by_uncertainty(candidates: Sequence[Candidate]) -> list[str]:
    """Smallest margin first."""
    return [c.id for c in sorted(candidates, key=lambda c: (min(map(_margin, _facets(c)), default=1.0), c.id))]


def by_risk(candidates: Sequence[Candidate]) -> list[str]:
    """Round robin over the flags: of each the case whose probability is nearest to one half."""
    ranked: dict[str, list[str]] = {}
    for code in sorted({code for c in candidates for code in c.probabilities.get("flags", {})}):
        likely = [(abs(p - 0.5), c.id) for c in candidates if (p := _flag(c, code)) >= LIKELY_FLAG]
        ranked[code] = [name for _, name in sorted(likely)]
    rounds = max(map(len, ranked.values()), default=0)
    order = [ids[i] for i in range(rounds) for ids in ranked.values() if i < len(ids)]
    return list(dict.fromkeys(order))


def by_diversity(candidates: Sequence[Candidate], number: int, *, seed: int) -> list[str]:
    """Texts far from each other, the first ones furthest."""
    number = min(number, len(candidates))
    if number == 0:
        return []
    if number == len(candidates):
        return [candidate.id for candidate in candidates]
    words = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True, max_features=20_000)
    vectors = words.fit_transform([candidate.text for candidate in candidates])
    if min(vectors.shape) > DIMENSIONS:
        vectors = TruncatedSVD(DIMENSIONS, random_state=seed).fit_transform(vectors)
    _, places = kmeans_plusplus(vectors, number, random_state=seed)
    return [candidates[place].id for place in dict.fromkeys(places.tolist())]


def _facets(candidate: Candidate) -> list[Mapping[str, float]]:
    return [p for facet in FACETS if (p := candidate.probabilities.get(facet))]


def _margin(probabilities: Mapping[str, float]) -> float:
    best = sorted(probabilities.values(), reverse=True)[:2]
    return best[0] - best[1] if len(best) == 2 else best[0]


def _flag(candidate: Candidate, code: str) -> float:
    return candidate.probabilities.get("flags", {}).get(code, 0.0)
