"""How often people agree with the model. In: what both said. Out: shares by field, and by field and band."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.shares import Share
from data.store.readings import BANDS, FIELDS, Compared


@dataclass(frozen=True, kw_only=True)
class FieldAgreement:
    """`by_band`: as sure as the model was of this field."""

    field: str
    all: Share
    by_band: Mapping[str, Share]


def agreement(compared: Collection[Compared]) -> Sequence[FieldAgreement]:
    """In the order of FIELDS."""
    return [_of_field(field, [one for one in compared if one.field == field]) for field in FIELDS]


def _of_field(field: str, compared: Collection[Compared]) -> FieldAgreement:
    by_band = {band: _share(one for one in compared if one.band == band) for band in BANDS}
    return FieldAgreement(field=field, all=_share(compared), by_band=by_band)


def _share(compared: Iterable[Compared]) -> Share:
    hits = [one.agrees for one in compared]
    return Share(count=sum(hits), n=len(hits))
