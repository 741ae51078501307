"""How often people agree with the model. In: labels beside answers. Out: shares by field, and by field and band."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.shares import Share
from data.store.readings import Reading
from data.store.tables import Label

FIELDS = ("order_type", "category", "leaf", "cause", "subcause", "channel", "flags")
BANDS = ("auto", "suggest", "human")


@dataclass(frozen=True, kw_only=True)
class FieldAgreement:
    """`flags` agrees where the two sets are the same."""

    field: str
    all: Share
    by_band: Mapping[str, Share]


def agreement(readings: Sequence[Reading]) -> Sequence[FieldAgreement]:
    """In the order of FIELDS."""
    return [
        FieldAgreement(
            field=field,
            all=_share(field, readings),
            by_band={
                band: _share(field, (item for item in readings if band_of(item.answer) == band)) for band in BANDS
            },
        )
        for field in FIELDS
    ]


def band_of(answer: Mapping[str, Any]) -> str:
    return str(answer["decision"]["band"])


def answered(answer: Mapping[str, Any], field: str) -> Any:
    """The model's code, or its set of flags."""
    if field == "flags":
        return frozenset(flag["code"] for flag in answer["flags"])
    part = answer[field]
    return None if part is None else part["code"]


def decided(label: Label, field: str) -> Any:
    """The person's."""
    return frozenset(label.flags) if field == "flags" else getattr(label, field)


def _share(field: str, readings: Iterable[Reading]) -> Share:
    hits = [answered(item.answer, field) == decided(item.label, field) for item in readings]
    return Share(count=sum(hits), n=len(hits))
