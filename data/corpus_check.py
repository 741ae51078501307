"""Is the corpus fit to train on? In: corpus files, the splits. Out: a report of faults, coverage and closest pairs.

Run by `xiaobao corpus check`. Schema, codes, leaf under category and quotes are checked while reading; here follow
repeated ids, near-duplicates across scenarios, names of real institutions, coverage of every label and voice, and
that every text has a split.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from data.dedup import SAME_ABOVE, ClosePair, close_pairs
from data.schema import VOICES, LabelledText
from data.taxonomy import Taxonomy

REAL_INSTITUTIONS = Path(__file__).with_name("real_institutions.txt")


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """A coverage line: how many texts there are and how many are wanted."""

    what: str
    found: float
    wanted: int
    at_most: bool = False
    """Whether `wanted` is an upper limit."""

    @property
    def met(self) -> bool:
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted


@dataclass(frozen=True, kw_only=True)
class Targets:
    """How many texts each kind of label must have."""

    complaints: int = 4000
    others: int = 1000
    leaf: int = 50
    cause: int = 150
    subcause: int = 40
    flag: int = 70
    hard_negative: int = 70
    channel: int = 200
    voice_share: float = 0.04
    median_between: tuple[int, int] = (90, 140)
    """Characters."""
    share_under_30: float = 0.10
    share_over_350: float = 0.10
    share_with_pii: float = 0.19
    share_not_naming_product: float = 0.25


@dataclass(frozen=True, kw_only=True)
class CorpusReport:
    texts: int
    faults: tuple[str, ...]
    coverage: tuple[Minimum, ...]
    closest: tuple[ClosePair, ...]
    lengths: Mapping[str, float]

    @property
    def unmet(self) -> list[Minimum]:
        return [line for line in self.coverage if not line.met]


def check_corpus(
    texts: Sequence[LabelledText], splits: Mapping[str, str], taxonomy: Taxonomy, targets: Targets | None = None
) -> CorpusReport:
    """Everything about a corpus that was read without error."""
    pairs = close_pairs({text.id: text.text for text in texts})
    return CorpusReport(
        texts=len(texts),
        faults=(*_repeats(texts), *_institutions(texts), *_split_faults(texts, splits, pairs)),
        coverage=tuple(coverage(texts, taxonomy, targets or Targets())),
        closest=tuple(pairs[:10]),
        lengths=_lengths(texts),
    )


def _repeats(texts: Iterable[LabelledText]) -> Iterable[str]:
    counts = Counter(text.id for text in texts)
    yield from (f"id {key} is given {count} times" for key, count in counts.items() if count > 1)


def _institutions(texts: Iterable[LabelledText]) -> Iterable[str]:
    lines = REAL_INSTITUTIONS.read_text(encoding="utf-8").splitlines()
    institutions = [line for line in lines if line and not line.startswith("#")]
    for text in texts:
        named = [name for name in institutions if name in text.text]
        if named:
            yield f"{text.id} names a real institution: {', '.join(named)}"


def _split_faults(
    texts: Iterable[LabelledText], splits: Mapping[str, str], pairs: Iterable[ClosePair]
) -> Iterable[str]:
    yield from (f"{text.id} has no split; run: xiaobao corpus split" for text in texts if text.id not in splits)
    for pair in pairs:
        if pair.similarity >= SAME_ABOVE and splits.get(pair.first) != splits.get(pair.second):
            yield f"{pair.first} and {pair.second} are near-identical ({pair.similarity:.0f} %) but in two splits"


def coverage(texts: Sequence[LabelledText], taxonomy: Taxonomy, targets: Targets) -> Iterable[Minimum]:
    """One line per label and voice."""
    orders = Counter(text.order_type for text in texts)
    yield Minimum(what="complaints", found=orders["complaint"], wanted=targets.complaints)
    yield Minimum(what="others", found=len(texts) - orders["complaint"], wanted=targets.others)
    counted = (
        ("leaf", Counter(text.leaf for text in texts), [leaf.code for leaf in taxonomy.leaves], targets.leaf),
        ("cause", Counter(text.cause for text in texts), [cause.code for cause in taxonomy.causes], targets.cause),
        (
            "sub-cause",
            Counter(text.subcause for text in texts),
            [sub.code for sub in taxonomy.subcauses],
            targets.subcause,
        ),
        (
            "flag",
            Counter(flag for text in texts for flag in text.flags),
            [flag.code for flag in taxonomy.flags],
            targets.flag,
        ),
        (
            "hard negative",
            Counter(trap.code for text in texts for trap in text.hard_negatives),
            [flag.code for flag in taxonomy.flags],
            targets.hard_negative,
        ),
        (
            "channel",
            Counter(text.channel for text in texts),
            [entry.code for entry in taxonomy.channels],
            targets.channel,
        ),
        ("voice", Counter(text.voice for text in texts), VOICES, round(targets.voice_share * len(texts))),
    )
    for what, counts, codes, wanted in counted:
        for code in codes:
            yield Minimum(what=f"{what} {code}", found=counts[code], wanted=wanted)
    yield from _shape(texts, targets)


def _shape(texts: Sequence[LabelledText], targets: Targets) -> Iterable[Minimum]:
    """Lengths, personal data and unnamed products."""
    sizes = [len(text.text) for text in texts]
    low, high = targets.median_between
    yield Minimum(what="median length", found=median(sizes), wanted=low)
    yield Minimum(what="median length at most", found=median(sizes), wanted=high, at_most=True)
    shares = (
        ("under 30 characters", sum(size < 30 for size in sizes), targets.share_under_30),
        ("over 350 characters", sum(size > 350 for size in sizes), targets.share_over_350),
        ("with personal data", sum(bool(text.pii) for text in texts), targets.share_with_pii),
        ("not naming the product", sum(not text.names_product for text in texts), targets.share_not_naming_product),
    )
    for what, found, share in shares:
        yield Minimum(what=what, found=found, wanted=round(share * len(texts)))


def _lengths(texts: Sequence[LabelledText]) -> dict[str, float]:
    sizes = sorted(len(text.text) for text in texts)
    return {
        "median": median(sizes),
        "share under 30": round(sum(size < 30 for size in sizes) / len(sizes), 3),
        "share over 350": round(sum(size > 350 for size in sizes) / len(sizes), 3),
        "share with PII": round(sum(bool(text.pii) for text in texts) / len(texts), 3),
        "share naming the product": round(sum(text.names_product for text in texts) / len(texts), 3),
    }
