"""The order of a model's outputs. In: a taxonomy, or a bundle's `labels.json`. Out: `LabelSpace`.

A bundle keeps its own copy, so that a taxonomy that has grown does not shift an older model's labels.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class LabelSpace:
    """Codes in the order of the outputs; leaves and sub-causes carry their parents in their codes."""

    order_type: tuple[str, ...]
    leaf: tuple[str, ...]
    subcause: tuple[str, ...]
    channel: tuple[str, ...]
    flags: tuple[str, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Self:
        """The label space of all labels that are not retired."""
        return cls(
            order_type=tuple(entry.code for entry in taxonomy.order_types if not entry.retired),
            leaf=tuple(leaf.code for leaf in taxonomy.leaves if not leaf.retired),
            subcause=tuple(sub.code for sub in taxonomy.subcauses if not sub.retired),
            channel=tuple(entry.code for entry in taxonomy.channels if not entry.retired),
            flags=tuple(flag.code for flag in taxonomy.flags if not flag.retired),
        )

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        return cls(**{name: tuple(codes) for name, codes in content.items()})

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(codes) for name, codes in asdict(self).items()}

    @cached_property
    def category(self) -> tuple[str, ...]:
        """Categories in the order of their first leaf."""
        return tuple(dict.fromkeys(parent(code) for code in self.leaf))

    @cached_property
    def cause(self) -> tuple[str, ...]:
        """Causes in the order of their first sub-cause."""
        return tuple(dict.fromkeys(parent(code) for code in self.subcause))

    @cached_property
    def evidence(self) -> tuple[str, ...]:
        """Labels that the model shows words for: every flag, then every cause."""
        return (*self.flags, *self.cause)

    @cached_property
    def leaf_to_category(self) -> npt.NDArray[np.int64]:
        """Index of each leaf's category, shape (leaves,)."""
        return np.array([self.category.index(parent(code)) for code in self.leaf])

    @cached_property
    def subcause_to_cause(self) -> npt.NDArray[np.int64]:
        """Index of each sub-cause's cause, shape (sub-causes,)."""
        return np.array([self.cause.index(parent(code)) for code in self.subcause])


def parent(code: str) -> str:
    """The category of a leaf, the cause of a sub-cause: what stands before the dot."""
    return code.split(".")[0]
