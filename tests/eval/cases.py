"""Six texts and answers whose figures are counted by hand. In: nothing. Out: texts, answers, an evaluated set."""

from collections.abc import Sequence

from data.schema import EvidenceSpan, LabelledText
from eval.sets import EvaluatedSet, corpus_set
from models.answer import (
    AllProbabilities,
    Decision,
    Evidence,
    FacetAnswer,
    FlagAnswer,
    Timings,
    TriageAnswer,
    Versions,
)
from models.thresholds import Band

TEXT = "一二三四五六七八"


def labelled(
    category: str | None,
    flags: tuple[str, ...] = (),
    *,
    order: str = "complaint",
    causes2: tuple[str, ...] = (),
    text: str = TEXT,
    voice: str = "letter",
) -> LabelledText:
    """A text whose first four characters show each flag."""
    return LabelledText(
        id="g", text=text, order_type=order, category=category, leaf=f"{category}.01" if category else None,
        cause="C01" if order == "complaint" else None, subcause="C01.1" if order == "complaint" else None,
        channel="unknown", flags=flags, evidence={flag: (EvidenceSpan(start=0, end=4),) for flag in flags},
        causes2=causes2, voice=voice, input="typed", names_product=True, scenario="s", writer="w",
    )  # fmt: skip


def facet(code: str, confidence: float = 0.9, band: Band = "auto") -> FacetAnswer:
    return FacetAnswer(code=code, name=code, confidence=confidence, band=band)


def answered(
    category: str | None,
    flags: tuple[str, ...] = (),
    *,
    cause: str | None = "C01",
    confidence: float = 0.9,
    band: Band = "auto",
    causes2: tuple[str, ...] = (),
) -> TriageAnswer:
    """An answer that shows characters 2 to 6 for each flag."""
    shown = [Evidence(start=2, end=6, redacted_start=2, redacted_end=6, text=TEXT[2:6])]
    leaf = f"{category}.01"
    return TriageAnswer(
        id="a", order_type=facet("complaint"),
        category=facet(category, confidence, band) if category else None, leaf=facet(leaf) if category else None,
        cause=facet(cause) if cause else None, subcause=facet(f"{cause}.1") if cause else None,
        channel=facet("unknown"), causes2=list(causes2), issues=[], amount=None,
        flags=[FlagAnswer(code=f, group=f[0], name=f, probability=0.9, source="model", evidence=shown) for f in flags],
        decision=Decision(band="auto", priority="normal", reasons=[]), redacted_text=TEXT, truncated=False,
        versions=Versions(bundle="b", taxonomy="1", redaction="1", policy="1"),
        timings=Timings(prepare_ms=0, queue_ms=0, model_ms=0, total_ms=0),
        probabilities=AllProbabilities(
            order_type={"complaint": 0.9}, category={category or "B99": confidence}, leaf={leaf: 0.9},
            cause={cause or "C01": 0.9}, subcause={f"{cause or 'C01'}.1": 0.9}, causes={}, channel={"unknown": 0.9},
            flags={code: 0.9 if code in flags else 0.1 for code in ("P01", "S01")},
        ),
    )  # fmt: skip


# Category: right, right, wrong, right, not answered, and an answer where there is none.
SIX_TEXTS = [
    labelled("B01", ("P01",), causes2=("C02", "C03")),
    labelled("B01"),
    labelled("B01", voice="chat"),
    labelled("B02", ("P02", "S01")),
    labelled("B02", text="二" * 40),
    labelled(None, order="irrelevant", text="三" * 400),
]
SIX_ANSWERS = [
    answered("B01", ("P01",), causes2=("C02",)),
    answered("B01", ("P01",), confidence=0.8),
    answered("B02", cause="C02", confidence=0.6, band="suggest"),
    answered("B02", ("S01",), confidence=0.7),
    answered(None, causes2=("C05",)),
    answered("B01", cause=None, confidence=0.5, band="human"),
]


def evaluated(texts: Sequence[LabelledText] = SIX_TEXTS, answers: Sequence[TriageAnswer] = SIX_ANSWERS) -> EvaluatedSet:
    one = corpus_set("test", texts)
    return EvaluatedSet(name=one.name, origin=one.origin, source=one.source, gold=one.gold, answers=answers)
