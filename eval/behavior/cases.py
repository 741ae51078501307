"""Cases of the behavioural suite. In: `eval/behavior/*.jsonl`, one file per capability. Out: `Case`s, or what is wrong.

A row has `id`, `type` and `text`. Words in braces are what changes by hand, `{before|after}`; `change` names a change
that code applies. `minimum`: what must hold of one text (`raised`, `not_raised`, `order_type`). `invariance`: nothing
of `unchanged` may differ. `directional`: the change must raise `raised` and must not raise `not_raised`.
Needs the extra `train`.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.augment import homophones, traditional, wrap
from data.errors import CorpusError
from data.json_lines import read_lines
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.behavior.out_of_scope import OUT_OF_SCOPE_FILE

BEHAVIOR_FOLDER = Path(__file__).parent
Aspect = Literal["order_type", "category", "cause", "flags"]
ASPECTS: tuple[Aspect, ...] = ("order_type", "category", "cause", "flags")
BRACES = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")
MOST_TRIES = 50  # a change that draws lots may draw one that changes nothing


class Case(BaseModel):
    """One hand-written expectation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    type: Literal["minimum", "invariance", "directional"]
    text: str = Field(min_length=1)
    change: Literal["traditional", "homophones", "wrap", "reverse"] | None = None
    raised: tuple[str, ...] = ()
    not_raised: tuple[str, ...] = ()
    order_type: str | None = None
    unchanged: tuple[Aspect, ...] = ASPECTS

    @property
    def capability(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def before(self) -> str:
        """The text itself, or the one to compare with."""
        return BRACES.sub(r"\1", self.text)

    @property
    def after(self) -> str:
        return CHANGES[self.change](self.text, self.id) if self.change else BRACES.sub(r"\2", self.text)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        expects = bool(self.raised or self.not_raised or self.order_type)
        if expects == (self.type == "invariance"):
            raise ValueError("expectations must be given, except for invariance, which has `unchanged`")
        if self.type != "invariance" and self.unchanged != ASPECTS:
            raise ValueError("`unchanged` is for invariance only")
        if self.type == "directional" and self.order_type:
            raise ValueError("a directional case expects flags only")
        if set("{|}") & set(self.before) or (self.change and self.before != self.text):
            raise ValueError("expected whole braces `{before|after}`, or a `change`")
        if (self.before == self.after) != (self.type == "minimum"):
            raise ValueError("expected a change in the text, except for minimum, which has none")
        return self


def _by_lot(change: Callable[[LabelledText, random.Random], LabelledText]) -> Callable[[str, str], str]:
    """The first of `MOST_TRIES` draws that changes the text; the same seed gives the same text."""

    def apply(text: str, seed: str) -> str:
        draws = (change(_bare(text), random.Random(f"{seed}:{i}")).text for i in range(MOST_TRIES))
        return next((changed for changed in draws if changed != text), text)

    return apply


def _reverse(text: str, seed: str) -> str:
    """The sentences in reverse order."""
    sentences = [sentence for sentence in text.split("。") if sentence]
    return "。".join(reversed(sentences)) + "。"


CHANGES: dict[str, Callable[[str, str], str]] = {
    "traditional": _by_lot(traditional),
    "homophones": _by_lot(homophones),
    "wrap": _by_lot(wrap),
    "reverse": _reverse,
}


def _bare(text: str) -> LabelledText:
    """The text without labels, for changes that look at the words alone."""
    return LabelledText(
        id="", text=text, order_type="complaint", category=None, leaf=None, cause=None, subcause=None,
        channel="unknown", voice="", input="typed", names_product=False, scenario="", writer="",
    )  # fmt: skip


def read_cases(taxonomy: Taxonomy, folder: Path = BEHAVIOR_FOLDER) -> list[Case]:
    """All cases in file order. Raises CorpusError listing every bad line."""
    cases: list[Case] = []
    problems: list[str] = []
    files = [file for file in sorted(folder.glob("*.jsonl")) if file.name != OUT_OF_SCOPE_FILE.name]
    if not files:
        raise CorpusError(f"no .jsonl files in {folder.name}/; expected the cases there (they are not in the wheel)")
    for file in files:
        for number, line in enumerate(read_lines(file), 1):
            try:
                cases.append(_checked(Case.model_validate(json.loads(line)), file.stem, taxonomy))
            except ValueError as error:
                problems.append(f"{file.name}:{number}: {_explain(error)}")
    problems += [f"{what} stands twice" for what in _repeated(cases)]
    if problems:
        raise CorpusError(f"{len(problems)} cases are wrong:\n" + "\n".join(problems))
    return cases


def _checked(case: Case, capability: str, taxonomy: Taxonomy) -> Case:
    known = {entry.code for entry in (*taxonomy.flags, *taxonomy.order_types)}
    wanted = [*case.raised, *case.not_raised, *([case.order_type] if case.order_type else [])]
    if unknown := sorted(set(wanted) - known):
        raise ValueError(f"{unknown} are not in the taxonomy")
    if case.capability != capability:
        raise ValueError(f"id {case.id!r} does not begin with its file's name")
    return case


def _repeated(cases: Sequence[Case]) -> Iterable[str]:
    for what, values in (("id", [case.id for case in cases]), ("the text of", [case.before for case in cases])):
        for value, times in Counter(values).items():
            if times > 1:
                ids = [case.id for case in cases if case.before == value]
                yield f"{what} {', '.join(ids) or value}"


def _explain(error: ValueError) -> str:
    """What is wrong, without the text."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return str(error)
