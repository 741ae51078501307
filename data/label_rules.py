"""Which codes may stand together in a decision. In: facets of a person. Out: nothing, or what is wrong.

The same holds of every answer of the model by construction: a leaf under its category, a sub-cause under its cause, no
category on irrelevant texts, causes on complaints only.
"""

from collections.abc import Iterable

from data.errors import StoreError
from data.store.records import Facets
from data.taxonomy import Taxonomy

COMPLAINT, IRRELEVANT = "complaint", "irrelevant"


def check_decision(facets: Facets, causes2: Iterable[str], taxonomy: Taxonomy) -> None:
    """Raise StoreError `label_invalid` on codes that are unknown or do not belong together."""
    _known("order_type", [facets.order_type], {entry.code for entry in taxonomy.order_types})
    _known("channel", [facets.channel], {entry.code for entry in taxonomy.channels})
    _known("flags", facets.flags, {flag.code for flag in taxonomy.flags})
    leaves = {leaf.code: category.code for category in taxonomy.categories for leaf in category.leaves}
    subcauses = {sub.code: cause.code for cause in taxonomy.causes for sub in cause.subcauses}
    is_relevant, complains = facets.order_type != IRRELEVANT, facets.order_type == COMPLAINT
    _pair("category", "leaf", facets.category, facets.leaf, parents=leaves, is_needed=is_relevant)
    _pair("cause", "subcause", facets.cause, facets.subcause, parents=subcauses, is_needed=complains)
    further = set(causes2)
    _known("causes2", further, {cause.code for cause in taxonomy.causes} - {facets.cause or ""} if complains else set())


def _pair(
    parent_name: str,
    child_name: str,
    parent: str | None,
    child: str | None,
    *,
    parents: dict[str, str],
    is_needed: bool,
) -> None:
    if not is_needed:
        if parent is not None or child is not None:
            raise _invalid(
                f"{parent_name} and {child_name} are empty for this order_type", "该工单类型不填业务类别或投诉原因"
            )
        return
    if child is None or child not in parents:
        raise _invalid(
            f"{child_name} is missing or unknown", "请选择业务类别和投诉原因" if child is None else "未知的代码"
        )
    if parents[child] != parent:
        raise _invalid(f"{child_name} {child} does not stand under {parent_name} {parent}", "细类与大类不一致")


def _known(name: str, codes: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(codes) - known)
    if unknown:
        raise _invalid(
            f"{name} holds {len(unknown)} codes that are unknown or cannot stand here", "含有未知或不适用的代码"
        )


def _invalid(message: str, message_zh: str) -> StoreError:
    return StoreError(f"{message}; nothing was stored", f"{message_zh}，未保存", code="label_invalid")
