"""What a person's decision must fulfil. In: codes, the case as it stands. Out: nothing, or what is wrong where."""

from collections.abc import Iterator, Sequence

from data.errors import NotAllowedError
from data.store.free_text import LEAST_REASON
from data.store.records import Facets, NewLabel
from data.store.unit_of_work import UnitOfWork
from data.taxonomy import Entry, Taxonomy
from serving.errors import ErrorDetail, ServiceError

COMPLAINT, IRRELEVANT = "complaint", "irrelevant"


def check_codes(facets: Facets, causes2: Sequence[str], taxonomy: Taxonomy) -> None:
    """Raise ServiceError `label_invalid` naming every field that does not fit the taxonomy; retired codes do not."""
    details = [
        ErrorDetail(field=field, problem=problem)
        for field, problem in (*_unknown(facets, causes2, taxonomy), *_misplaced(facets, causes2))
    ]
    if details:
        fields = ", ".join(dict.fromkeys(detail.field for detail in details))
        raise ServiceError(
            "label_invalid",
            f"the label does not fit the taxonomy: {fields}; see details",
            f"标注不符合分类体系：{fields}，请看 details",
            details=details,
        )


def record_label(work: UnitOfWork, case_id: str, new: NewLabel, *, version: str, within: str) -> None:
    """Store a checked label on the case as the person saw it.

    Raises StoreError `version_stale`, `case_erased`, NotFoundError, NotAllowedError `reason_missing` where a flag that
    stands is left out without a reason.
    """
    work.cases.expect(case_id, version=version, within=within)
    lowered = set(work.cases.flags(case_id, within=within)) - set(new.facets.flags)
    if lowered and len(new.reason.strip()) < LEAST_REASON:
        raise NotAllowedError(
            f"the label removes {', '.join(sorted(lowered))}; a reason of at least {LEAST_REASON} characters is needed",
            f"取消风险标记 {'、'.join(sorted(lowered))} 须填写不少于 {LEAST_REASON} 个字的理由",
            code="reason_missing",
        )
    work.labels.add(case_id, new, within=within)


def _unknown(facets: Facets, causes2: Sequence[str], taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    known: dict[str, tuple[Sequence[str | None], Sequence[Entry]]] = {
        "order_type": ([facets.order_type], taxonomy.order_types),
        "category": ([facets.category], taxonomy.categories),
        "leaf": ([facets.leaf], taxonomy.leaves),
        "cause": ([facets.cause], taxonomy.causes),
        "subcause": ([facets.subcause], taxonomy.subcauses),
        "channel": ([facets.channel], taxonomy.channels),
        "causes2": (causes2, taxonomy.causes),
        "flags": (facets.flags, taxonomy.flags),
    }
    for field, (given, entries) in known.items():
        if {code for code in given if code is not None} - _usable(entries):
            yield field, f"expected codes of taxonomy {taxonomy.version} that are not retired"


def _usable(entries: Sequence[Entry]) -> set[str]:
    return {entry.code for entry in entries if not entry.retired}


def _misplaced(facets: Facets, causes2: Sequence[str]) -> Iterator[tuple[str, str]]:
    wants_category, wants_cause = facets.order_type != IRRELEVANT, facets.order_type == COMPLAINT
    if (facets.category is not None) != wants_category:
        yield "category", "expected one, except for irrelevant texts, which have none"
    if (facets.cause is not None) != wants_cause:
        yield "cause", "expected one for complaints and for nothing else"
    if _parent(facets.leaf) != facets.category:
        yield "leaf", "expected a leaf of the category"
    if _parent(facets.subcause) != facets.cause:
        yield "subcause", "expected a sub-cause of the cause"
    if causes2 and (not wants_cause or facets.cause in causes2):
        yield "causes2", "they only add to the cause of a complaint"


def _parent(code: str | None) -> str | None:
    return None if code is None else code.split(".")[0]
