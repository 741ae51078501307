"""The policy as data. In: `policy.yaml`. Out: a frozen, checked `Policy`.

Every row names its source and how sure it is: A primary text, B one decent source, C one unofficial source or our own
proposal, M from memory. A row M only warns until a compliance user has confirmed its code (`data.policy.clocks`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from data.errors import PolicyError
from data.policy.reading import Strict, read_checked
from data.taxonomy import Taxonomy, default_taxonomy

POLICY_PATH = Path(__file__).with_name("policy.yaml")
TICKET = "TICKET"
"""The clock of a forwarded ticket that names its own due date; no row of the file has this code."""

Confidence = Literal["A", "B", "C", "M"]
Duty = Literal["bank", "authority", "complainant"]
Told = Literal["complainant", "authority"]
Unit = Literal["calendar_days", "working_days", "hours"]
Priority = Literal["urgent", "high", "normal"]
Facet = Literal["order_type", "category", "leaf", "cause", "subcause", "channel"]
TriggerKind = Literal[
    # Where a case came from.
    "own", "nfra", "pboc", "hotline_12345", "petition", "court_mediation", "media",
    # What else starts a limit of the bank or the complainant.
    "credit_objection", "outcome_told", "review_applied", "petition_review_applied",
    # What an authority received; its own limits are shown only.
    "nfra_received", "pboc_received", "credit_regulator_received", "consumer_authority_received",
]  # fmt: skip
Name = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(\.\d+)?$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Sourced(Strict):
    """Where a rule comes from; `article` is what the text says, in short, where its wording matters."""

    source: Name
    confidence: Confidence
    article: Name | None = None


class Row(Sourced):
    code: Code
    name: Name


class Counting(Sourced):
    first_day_excluded: bool
    roll_over_rest_days: bool


class ExtensionStep(Row):
    """A way to more time: `total` is the most the whole limit may become, in the clock's unit."""

    total: int = Field(gt=0, le=3660)
    approvers: tuple[Slug, ...] = Field(min_length=1)
    reasons: tuple[Name, ...] = Field(min_length=1)


class ClockRow(Row):
    """One limit: its own (`limit`, `unit`) or that of the clock it `follows`, extensions and pauses included.

    `told`: whom the bank has to tell; telling one does not fulfil what is owed to the other.
    """

    duty: Duty
    told: Told = "complainant"
    triggers: tuple[TriggerKind, ...] = Field(min_length=1)
    limit: int | None = Field(default=None, gt=0, le=3660)
    unit: Unit | None = None
    follows: Code | None = None
    extensions: tuple[ExtensionStep, ...] = ()

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        own = (self.limit is not None, self.unit is not None)
        if own != ((False, False) if self.follows else (True, True)):
            raise ValueError(f"{self.code} needs either limit and unit, or follows alone")
        if self.follows and self.extensions:
            raise ValueError(f"{self.code} follows {self.follows}; extensions belong there")
        totals = [self.limit or 0, *(step.total for step in self.extensions)]
        if any(later <= earlier for earlier, later in pairwise(totals)):
            raise ValueError(f"{self.code}: each extension must be longer than the limit before it, found {totals}")
        return self


class ClockRule(Row):
    """A rule that applies to some clocks: pause, restart or end by withdrawal."""

    clocks: tuple[Code, ...]


class PhoneNotice(Row):
    attempts: int = Field(gt=0)


class Rules(Strict):
    pause: ClockRule
    restart: ClockRule
    withdrawal: ClockRule
    phone_notice: PhoneNotice


class NoComplaint(Sourced):
    """Orders that are no complaints: once a person has said so, what these triggers start runs no longer."""

    order_types: tuple[str, ...]
    triggers: tuple[TriggerKind, ...]

    @model_validator(mode="after")
    def _complaints_run(self) -> Self:
        if "complaint" in self.order_types:
            raise ValueError("order_types holds complaint; the limits of complaints cannot be switched off")
        return self


NO_COMPLAINT = NoComplaint(
    order_types=("verification", "consultation", "feedback", "irrelevant"),
    triggers=("own", "media"),
    source="own decision (docs/decisions/0013-clocks-of-cases.md)",
    confidence="C",
)


class PriorityStep(Strict):
    flags: tuple[str, ...] | Literal["rest"]
    priority: Literal["urgent", "high"]


class PriorityRules(Sourced):
    steps: tuple[PriorityStep, ...] = Field(min_length=1)
    not_a_risk: tuple[str, ...]

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        if [step.flags == "rest" for step in self.steps] != [False] * (len(self.steps) - 1) + [True]:
            raise ValueError("the last step, and no other, must be `flags: rest`, so that every risk has a priority")
        both = {code for step in self.steps if step.flags != "rest" for code in step.flags} & set(self.not_a_risk)
        if both:
            raise ValueError(f"{sorted(both)} stand in a step and in not_a_risk; expected one place")
        order = [step.priority for step in self.steps]
        if order != sorted(order, key=["urgent", "high"].index):
            raise ValueError("no urgent step may stand behind a high one: the order of the steps is that of the queue")
        return self


class AlwaysToPerson(Sourced):
    """What a model may never settle alone; the lists can only grow."""

    flags: Literal["all"]
    order_types: tuple[str, ...]
    low_confidence: tuple[Facet, ...]
    texts: tuple[Literal["out_of_scope", "truncated"], ...]

    @model_validator(mode="after")
    def _only_grows(self) -> Self:
        _need("order_types", self.order_types, {"irrelevant"})
        _need("low_confidence", self.low_confidence, {"order_type", "category", "cause"})
        _need("texts", self.texts, {"out_of_scope", "truncated"})
        return self


class Routing(Sourced):
    by_category: dict[str, Slug]
    by_flag: dict[str, tuple[Slug, ...]]
    otherwise: Slug

    def departments(self) -> set[str]:
        """Every department that is named."""
        joined = {department for departments in self.by_flag.values() for department in departments}
        return {self.otherwise, *self.by_category.values(), *joined}


class PersonsTogether(Row):
    persons: int = Field(gt=1)


class SameProductAndBranch(Row):
    cases: int = Field(gt=1)
    days: int = Field(gt=0)


class RegulatorMark(Row):
    counts: bool


class MajorRules(Strict):
    persons_together: PersonsTogether
    same_product_and_branch: SameProductAndBranch
    regulator_mark: RegulatorMark


class AlertLevel(Strict):
    code: Slug
    name: Name


class AlertRules(Sourced):
    """Minutes until the next level is told, and between repeats at the top."""

    flags: tuple[str, ...]
    acknowledge_minutes: int = Field(gt=0)
    repeat_minutes: int = Field(gt=0)
    levels: tuple[AlertLevel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _need("flags", self.flags, {"E01"})
        _refuse_repeats("alert level", (level.code for level in self.levels))
        return self


class Policy(Strict):
    """One version of the policy. Raises pydantic's error on an inconsistent file; use `load_policy`."""

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    counting: Counting
    approvers: dict[Slug, Name]
    clocks: tuple[ClockRow, ...]
    rules: Rules
    no_complaint: NoComplaint = NO_COMPLAINT
    priority: PriorityRules
    always_to_person: AlwaysToPerson
    departments: dict[Slug, Name]
    routing: Routing
    major: MajorRules
    alerts: AlertRules

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        _refuse_repeats("code", [*(row.code for row in self._rows()), TICKET])
        self._check_clocks()
        _refuse_unknown("approvers", {a for step in self.steps.values() for a in step[1].approvers}, self.approvers)
        _refuse_unknown("departments", self.routing.departments(), self.departments)
        late = [code for code in self.alerts.flags if self.priority_of([code]) != "urgent"]
        if late:
            raise ValueError(f"alerts.flags holds {late}, whose priority is not urgent; raise it or end the alert")
        taxonomy = (info.context or {}).get("taxonomy")
        if isinstance(taxonomy, Taxonomy):
            self._check_labels(taxonomy)
        return self

    def _rows(self) -> Iterator[Row]:
        for clock in self.clocks:
            yield from (clock, *clock.extensions)
        yield from (self.rules.pause, self.rules.restart, self.rules.withdrawal, self.rules.phone_notice)
        yield from (self.major.persons_together, self.major.same_product_and_branch, self.major.regulator_mark)

    def _check_clocks(self) -> None:
        independent = {row.code: row for row in self.clocks if row.follows is None}
        _refuse_unknown("clocks to follow", {row.follows for row in self.clocks if row.follows}, independent)
        for rule in (self.rules.pause, self.rules.restart):
            _refuse_unknown(f"clocks of {rule.code}", rule.clocks, independent)
        _refuse_unknown(f"clocks of {self.rules.withdrawal.code}", self.rules.withdrawal.clocks, self.clock_rows)
        hours = [code for code in self.rules.pause.clocks if independent[code].unit == "hours"]
        if hours:
            raise ValueError(f"{hours} count hours, which run on through a pause; take them out of rules.pause.clocks")

    def _check_labels(self, taxonomy: Taxonomy) -> None:
        flags = {flag.code for flag in taxonomy.flags}
        named = {code for step in self.priority.steps if step.flags != "rest" for code in step.flags}
        named |= {*self.priority.not_a_risk, *self.alerts.flags, *self.routing.by_flag}
        _refuse_unknown("flags of the taxonomy", named, flags)
        categories = {category.code for category in taxonomy.categories}
        _refuse_unknown(
            "categories or leaves of the taxonomy",
            self.routing.by_category,
            categories | {leaf.code for leaf in taxonomy.leaves},
        )
        _need("routing.by_category", self.routing.by_category, categories)
        _refuse_unknown(
            "order types of the taxonomy",
            {*self.always_to_person.order_types, *self.no_complaint.order_types},
            {entry.code for entry in taxonomy.order_types},
        )

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """Everything that has a code: clocks, extensions, rules."""
        return {row.code: row for row in self._rows()}

    @cached_property
    def clock_rows(self) -> Mapping[str, ClockRow]:
        """Clocks by code."""
        return {row.code: row for row in self.clocks}

    @cached_property
    def steps(self) -> Mapping[str, tuple[ClockRow, ExtensionStep]]:
        """Extensions by code, each with its clock."""
        return {step.code: (row, step) for row in self.clocks for step in row.extensions}

    @cached_property
    def unconfirmed(self) -> frozenset[str]:
        """Codes of the rows from memory, which a compliance user may confirm."""
        return frozenset(code for code, row in self.rows.items() if row.confidence == "M")

    @cached_property
    def _rank_by_flag(self) -> dict[str, int]:
        """Places of the flags that are named; all others share that of `rest`."""
        ranks = dict.fromkeys(self.priority.not_a_risk, len(self.priority.steps))
        for rank, step in enumerate(self.priority.steps[:-1]):
            for flag in step.flags:
                ranks.setdefault(flag, rank)
        return ranks

    @cached_property
    def _priorities(self) -> tuple[Priority, ...]:
        return (*(step.priority for step in self.priority.steps), "normal")

    def rank_of(self, flags: Iterable[str]) -> int:
        """Place in the queue: 0 first; the number of steps where no flag is a risk."""
        ranks, last = self._rank_by_flag, len(self._priorities) - 1
        return min([last, *[ranks.get(flag, last - 1) for flag in flags]])

    def priority_of(self, flags: Iterable[str]) -> Priority:
        """Of the first step that holds one of the flags; normal where none is a risk."""
        return self._priorities[self.rank_of(flags)]


def digest_of(part: Strict) -> str:
    """Fingerprint of a policy or a row: the same for the same content, whatever a later release adds to the form.

    A clock's extensions are rows of their own and not part of it.
    """
    content = part.model_dump(mode="json", exclude_defaults=True, exclude={"extensions"})
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_policy(path: Path | None = None, taxonomy: Taxonomy | None = None) -> Policy:
    """Read and check a policy, by default the shipped one; raise PolicyError naming each wrong place."""
    return read_checked(path or POLICY_PATH, Policy, taxonomy=taxonomy or default_taxonomy())


@cache
def default_policy() -> Policy:
    """The policy that comes with this package, read once."""
    return load_policy()


def load_policies(folder: Path | None = None) -> dict[str, Policy]:
    """Every `policy*.yaml` of a folder by version: a case keeps the one it was opened with. Raises PolicyError."""
    place = folder or POLICY_PATH.parent
    policies: dict[str, Policy] = {}
    for path in sorted(place.glob("policy*.yaml")):
        policy = load_policy(path)
        if policies.setdefault(policy.version, policy) != policy:
            raise PolicyError(
                f"{path.name} has version {policy.version} like another file in {place} but differs; give it a new one",
                f"{path.name} 的版本号 {policy.version} 与另一文件相同而内容不同，请改用新版本号",
            )
    return policies


def policy_of(version: str, policies: Mapping[str, Policy]) -> Policy:
    """The policy a case was opened with. Raises PolicyError where its file is gone."""
    if version not in policies:
        raise PolicyError(
            f"the case was opened with policy {version}, found {sorted(policies)}; put its file back as "
            f"policy-{version}.yaml",
            f"该投诉按政策版本 {version} 受理，现有版本为 {'、'.join(sorted(policies))}；"
            f"请恢复文件 policy-{version}.yaml",
        )
    return policies[version]


def _need(what: str, found: Iterable[str], expected: set[str]) -> None:
    lacking = sorted(expected - set(found))
    if lacking:
        raise ValueError(f"{what} lacks {', '.join(lacking)}; add them")


def _refuse_unknown(what: str, found: Iterable[str], known: Iterable[str]) -> None:
    strangers = sorted(set(found) - set(known))
    if strangers:
        raise ValueError(f"unknown {what}: {', '.join(strangers)}; expected some of {', '.join(sorted(known))}")


def _refuse_repeats(what: str, values: Iterable[str]) -> None:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise ValueError(f"{what} given more than once: {', '.join(repeated)}")
