"""Fit what addresses look like in complaints. In: hand-written cases, the corpus. Out: `address_weights.json`.

    python -m training.fit_addresses [--output FILE]

Positives are the addresses of `eval/redaction/developed.jsonl` and of the corpus's training texts; those of the cases
also with one another's in their place, so that surroundings are learned apart from what they surround. Corpus windows
in which a fit on the cases alone finds an address that no writer marked are left out. The cost of entering an address
gives the wanted precision in five folds over the cases, counted as `eval.redaction.measure` counts. Names of cities
and districts come from python-stdnum, levels of pairs from `name_weights.json`: fit names first. `frozen.jsonl` is
never read. Needs the extra `train`.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np

from data.dataset import read_corpus
from data.normalize import NormalizedText, normalize_text
from data.redaction.address_tagger import (
    FIRST,
    INNER,
    LAST,
    LONGEST_PLACE,
    OUTSIDE,
    STEPS,
    WEIGHTS_PATH,
    AddressLexicon,
    AddressTagger,
    features,
    to_json,
    windows,
)
from data.redaction.name_scorer import default_scorer
from data.splits import read_splits
from data.taxonomy import default_taxonomy
from eval.redaction.cases import read_cases
from eval.redaction.measure import ENOUGH
from training.chain import LabelledRun, fit_chain

SEED = 20261130
PRECISION = 0.95
# Not below -1: there more words of corpus texts are taken for addresses (牙缝里, 棉袄里).
ENTRIES = tuple(round(-1.0 + 0.5 * step, 1) for step in range(9))
FOLDS = 5
CASE_WEIGHT, COPY_WEIGHT = 2.0, 0.5
CORPUS_TEXTS = 2_500
FEWEST, PENALTY, ROUNDS = 3, 1.0, 50
SMALLEST_WEIGHT = 0.04
# 双江拉祜族佤族布朗族傣族自治县 → 双江
ENDING = re.compile(
    r"(?:[\u4e00-\u9fff]{1,3}族|各族|维吾尔|(?<!内)蒙古|柯尔克孜|哈萨克)*(?:特别行政区|自治[区州县旗]|地区|[省市县区盟旗州])$"
)
OF_A_CITY = ("市", "州", "盟", "地区")
BEYOND = "香港 澳门 台湾 台北 高雄 台中 台南 新竹 桃园 基隆"

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A normalised text, where its addresses stand, and where any personal data does."""

    text: str
    addresses: tuple[Span, ...]
    personal: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Addresses found of those there are, and right spans of those found."""

    found: int = 0
    addresses: int = 0
    right: int = 0
    spans: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def read_places() -> dict[str, str]:
    """Name without its ending → C for provinces and cities, D for districts and counties, also of the past."""
    table = files("stdnum.cn").joinpath("loc.dat").read_text(encoding="utf-8")
    places = dict.fromkeys(BEYOND.split(), "C")
    for code, names in re.findall(r'^ *([0-9]+) (?:province|county)="(.*)"', table, re.MULTILINE):
        for name in re.sub(r"\[[^]]*\]", "", names).split(","):
            short = ENDING.sub("", name) if len(name) > 2 else name
            if not 2 <= len(short) <= LONGEST_PLACE or "直辖" in name or "市辖" in name:
                continue
            is_city = len(code) == 2 or code.endswith("00") or name.endswith(OF_A_CITY)
            if is_city or short not in places:
                places[short] = "C" if is_city else "D"
    return places


def marked(text: str, addresses: Sequence[str], others: Sequence[str] = ()) -> Marked:
    """Normalise a text and find its values in the normal form, wherever they stand."""
    normalized = normalize_text(text)
    spans = sorted(set(_places_of(normalized, addresses)), key=lambda span: (span[0], -span[1]))
    apart: list[Span] = []
    for span in spans:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    personal = {p for span in (*apart, *_places_of(normalized, others)) for p in range(*span)}
    return Marked(text=normalized.text, addresses=tuple(apart), personal=frozenset(personal))


def _places_of(normalized: NormalizedText, values: Sequence[str]) -> Iterator[Span]:
    for value in values:
        if form := normalize_text(value).text:
            yield from (match.span() for match in re.finditer(re.escape(form), normalized.text))


def runs(item: Marked, lexicon: AddressLexicon, *, weight: float) -> list[LabelledRun]:
    """The windows of a text."""
    return [
        LabelledRun(
            rows=list(features(item.text, window, lexicon)), labels=_labels(item.addresses, window), weight=weight
        )
        for window in windows(item.text)
    ]


def _labels(addresses: Sequence[Span], window: Span) -> list[int]:
    labels = [OUTSIDE] * (window[1] - window[0])
    for start, end in addresses:
        first, last = max(start, window[0]), min(end, window[1]) - 1
        for position in range(first, last + 1):
            labels[position - window[0]] = FIRST if position == first else LAST if position == last else INNER
    return labels


def with_other_addresses(item: Marked, pool: Sequence[str], draw: random.Random) -> Marked:
    """The same text with addresses of other texts in place of its own."""
    pieces: list[str] = []
    spans: list[Span] = []
    position = length = 0
    for start, end in item.addresses:
        address = draw.choice(pool)
        pieces += [item.text[position:start], address]
        length += start - position
        spans.append((length, length + len(address)))
        length += len(address)
        position = end
    return Marked(text="".join([*pieces, item.text[position:]]), addresses=tuple(spans), personal=frozenset())


class CorpusAndCases:
    """Everything the fit reads, read once."""

    def __init__(self) -> None:
        self.lexicon = AddressLexicon(places=read_places(), pair_levels=default_scorer().lexicon.pair_levels)
        self.cases = [
            marked(
                case.text,
                [case.text[span.start : span.end] for span in case.pii if span.kind == "address"],
                [case.text[span.start : span.end] for span in case.pii],
            )
            for case in read_cases("developed")
        ]
        splits = read_splits()
        texts = [text for text in read_corpus(default_taxonomy()) if splits[text.id] == "train"]
        random.Random(SEED).shuffle(texts)
        texts.sort(key=lambda text: not any(value.kind == "address" for value in text.pii))  # with addresses first
        self.corpus = [
            marked(text.text, [value.value for value in text.pii if value.kind == "address"])
            for text in texts[:CORPUS_TEXTS]
        ]

    def case_runs(self, cases: Sequence[Marked]) -> list[LabelledRun]:
        draw = random.Random(SEED)
        pool = [case.text[slice(*span)] for case in cases for span in case.addresses]
        found: list[LabelledRun] = []
        for case in cases:
            found += runs(case, self.lexicon, weight=CASE_WEIGHT)
            if case.addresses:
                found += runs(with_other_addresses(case, pool, draw), self.lexicon, weight=COPY_WEIGHT)
        return found

    def corpus_runs(self, tagger: AddressTagger) -> list[LabelledRun]:
        """From corpus texts, without those in which a tagger finds an address that no writer marked."""
        return [
            run
            for item in self.corpus
            if all(any(s < end and start < e for s, e in item.addresses) for start, end in tagger.find(item.text))
            for run in runs(item, self.lexicon, weight=1.0)
        ]


def fit(found: Sequence[LabelledRun], lexicon: AddressLexicon) -> AddressTagger:
    """A tagger that enters addresses at no cost."""
    chain = fit_chain(found, fewest=FEWEST, penalty=PENALTY, rounds=ROUNDS)
    weights = {
        feature: (round(outside, 2), round(first, 2), round(inner, 2), round(last, 2))
        for feature, (outside, first, inner, last) in ((name, row.tolist()) for name, row in chain.features.items())
        if max(map(abs, (outside, first, inner, last))) >= SMALLEST_WEIGHT
    }
    steps = [round(float(chain.steps[pair]), 2) for pair in STEPS]
    return AddressTagger(lexicon=lexicon, weights=weights, steps=steps, entry=0.0)


class Finder(Protocol):
    """What finds addresses in a text."""

    def find(self, text: str) -> Iterable[Span]: ...


def count(tagger: Finder, cases: Sequence[Marked]) -> Counts:
    """As `eval.redaction.measure` counts."""
    total = Counts()
    for case in cases:
        spans = list(tagger.find(case.text))
        masked = {p for span in spans for p in range(*span)}
        total += Counts(
            found=sum(_share(span, masked) >= ENOUGH for span in case.addresses),
            addresses=len(case.addresses),
            right=sum(_share(span, case.personal) >= ENOUGH for span in spans),
            spans=len(spans),
        )
    return total


def _share(span: Span, positions: frozenset[int] | set[int]) -> float:
    return sum(p in positions for p in range(*span)) / (span[1] - span[0])


def fit_tagger(material: CorpusAndCases, *, precision: float = PRECISION) -> tuple[AddressTagger, dict[str, float]]:
    """A tagger, and what it reaches in folds over the cases at its cost of entry."""
    lexicon, cases = material.lexicon, material.cases
    corpus = material.corpus_runs(fit(material.case_runs(cases), lexicon))
    folds = np.random.default_rng(SEED).integers(0, FOLDS, len(cases))
    totals = dict.fromkeys(ENTRIES, Counts())
    for fold in range(FOLDS):
        tagger = fit(
            corpus + material.case_runs([case for case, of in zip(cases, folds, strict=True) if of != fold]), lexicon
        )
        held_out = [case for case, of in zip(cases, folds, strict=True) if of == fold]
        for entry in ENTRIES:
            totals[entry] += count(replace(tagger, entry=entry), held_out)
    entry = next(entry for entry in ENTRIES if totals[entry].right >= precision * totals[entry].spans)
    reached = totals[entry]
    tagger = fit(corpus + material.case_runs(cases), lexicon)
    return replace(tagger, entry=entry), {
        "precision": round(reached.right / reached.spans, 3),
        "recall": round(reached.found / reached.addresses, 3),
        "addresses": reached.addresses,
    }


def main() -> None:
    """Fit, write the weights, print what the folds reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS_PATH)
    options = parser.parse_args()
    tagger, reached = fit_tagger(CorpusAndCases())
    options.output.write_text(json.dumps(to_json(tagger), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(tagger.weights)} weights, entry {tagger.entry}; in {FOLDS} folds {reached}\n")


if __name__ == "__main__":
    main()
