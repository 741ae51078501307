"""Does the model behave as a careful reader expects? In: hand-written cases. Out: pass rates, with what failed.

`python -m eval.behavior.suite [--bundle FOLDER] [--output FILE.json]`. A checklist after Ribeiro et al. (2020): minimum
functionality, invariance and directional expectation, by capability. It measures and never fails on rates; malformed
cases are errors. Rates carry 95 % Wilson intervals. The cases train nothing and choose nothing.
Needs the extra `train`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.taxonomy import default_taxonomy
from eval.behavior.cases import ASPECTS, Aspect, Case, read_cases
from eval.proportions import Proportion, proportion
from models.answer import TriageAnswer
from models.predictor import Predictor

Answer = Callable[[str], TriageAnswer]
TYPES = ("minimum", "invariance", "directional")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case went."""

    case: Case
    passed: bool
    unchanged: Mapping[Aspect, bool] = field(default_factory=dict)
    """Invariance only: each aspect, whether the case asks for it or not."""
    already_raised: bool = False
    """Directional only: a flag that the change should raise stood before it."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What one capability reached in one type of case."""

    passed: Proportion
    failures: tuple[str, ...]
    unchanged: Mapping[Aspect, Proportion]
    already_raised: int


@dataclass(frozen=True, kw_only=True)
class Report:
    cases: int
    types: Mapping[str, Proportion]
    capabilities: Mapping[str, Mapping[str, Rate]]
    """Capability → type → rate."""

    def to_json(self) -> dict[str, Any]:
        return {
            "cases": self.cases,
            "types": {name: rate.to_json() for name, rate in self.types.items()},
            "capabilities": {
                name: {kind: _rate_json(rate) for kind, rate in rates.items()}
                for name, rates in self.capabilities.items()
            },
        }


def run_cases(cases: Sequence[Case], answer: Answer) -> list[Outcome]:
    """Each case tried."""
    return [_run(case, answer) for case in cases]


def _run(case: Case, answer: Answer) -> Outcome:
    if case.type == "minimum":
        return _minimum(case, answer(case.before))
    before, after = answer(case.before), answer(case.after)
    if case.type == "directional":
        return _directional(case, _flags(before), _flags(after))
    unchanged = {aspect: _aspect(before, aspect) == _aspect(after, aspect) for aspect in ASPECTS}
    return Outcome(case=case, passed=all(unchanged[aspect] for aspect in case.unchanged), unchanged=unchanged)


def _minimum(case: Case, given: TriageAnswer) -> Outcome:
    flags = _flags(given)
    right_type = case.order_type in (None, given.order_type.code)
    return Outcome(case=case, passed=right_type and flags >= {*case.raised} and not flags & {*case.not_raised})


def _directional(case: Case, before: frozenset[str], after: frozenset[str]) -> Outcome:
    """A flag that must not rise may have stood before: that is another capability's failure."""
    passed = after >= {*case.raised} and not (after - before) & {*case.not_raised}
    return Outcome(case=case, passed=passed, already_raised=bool(before & {*case.raised}))


def _flags(answer: TriageAnswer) -> frozenset[str]:
    return frozenset(flag.code for flag in answer.flags)


def _aspect(answer: TriageAnswer, aspect: Aspect) -> object:
    if aspect == "flags":
        return _flags(answer)
    facet = getattr(answer, aspect)
    return facet.code if facet else None


def summarize(outcomes: Sequence[Outcome]) -> Report:
    """Rates per type, and per capability and type."""
    names = dict.fromkeys(outcome.case.capability for outcome in outcomes)
    return Report(
        cases=len(outcomes),
        types={kind: _passed([o for o in outcomes if o.case.type == kind]) for kind in TYPES},
        capabilities={
            name: {
                kind: _rate(chosen)
                for kind in TYPES
                if (chosen := [o for o in outcomes if (o.case.capability, o.case.type) == (name, kind)])
            }
            for name in names
        },
    )


def _passed(outcomes: Sequence[Outcome]) -> Proportion:
    return proportion([outcome.passed for outcome in outcomes])


def _rate(outcomes: Sequence[Outcome]) -> Rate:
    compared = [outcome.unchanged for outcome in outcomes if outcome.unchanged]
    return Rate(
        passed=_passed(outcomes),
        failures=tuple(outcome.case.id for outcome in outcomes if not outcome.passed),
        unchanged={aspect: proportion([u[aspect] for u in compared]) for aspect in ASPECTS if compared},
        already_raised=sum(outcome.already_raised for outcome in outcomes),
    )


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {
        "passed": rate.passed.to_json(),
        "failures": list(rate.failures),
        "unchanged": {aspect: share.to_json() for aspect, share in rate.unchanged.items()},
        "already_raised": rate.already_raised,
    }


def report_lines(report: Report) -> list[str]:
    """Readable lines: types, then capabilities with the ids of what failed."""
    lines = [f"{kind:12s} {rate}" for kind, rate in report.types.items()]
    for name, rates in report.capabilities.items():
        for kind, rate in rates.items():
            aspects = "  ".join(f"{aspect} {share.count / share.n:.2f}" for aspect, share in rate.unchanged.items())
            already = f"  stood before {rate.already_raised}" if kind == "directional" else ""
            failures = [failure.rpartition("-")[2] for failure in rate.failures]
            lines.append(f"{name:22s} {kind:12s} {rate.passed}{already}  {aspects}  failed: {' '.join(failures)}")
    return lines


def main() -> None:
    """Print the rates; write everything as JSON where asked."""
    parser = argparse.ArgumentParser(description="Measure a bundle on the behavioural suite.")
    parser.add_argument("--bundle", type=Path, help="folder of the bundle, by default the shipped one")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    cases, predictor = read_cases(default_taxonomy()), Predictor.load(options.bundle)
    report = summarize(run_cases(cases, lambda text: predictor.triage([text])[0]))
    sys.stdout.write("\n".join([f"{predictor.bundle.name}: {report.cases} cases", *report_lines(report)]) + "\n")
    if options.output:
        content = {"bundle": predictor.bundle.name, **report.to_json()}
        options.output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
