"""May a candidate replace the model that serves? In: both models' answers to the same texts. Out: a record of reasons.

Every demand of `gate.yaml` becomes a finding that says what was found and what is expected, passed or not. Noise is
told from loss by a paired bootstrap; over the protected classes of a facet by Bonferroni, so that fifteen classes do
not raise fifteen times as many false alarms. What too few texts show is not judged, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import SettingsError
from data.yaml_files import read_yaml
from eval.against import Pair, compare_facet, raises
from eval.confidence import evaluate_confidence
from eval.metrics import given_code
from eval.sets import EvaluatedSet
from eval.significance import paired_f1
from models.bundle import Bundle
from models.registry import Finding, GateRecord, Registry

RULES_FILE = Path(__file__).with_name("gate.yaml")
Facet = Literal["order_type", "category", "leaf", "cause", "subcause", "channel"]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CalibrationRules(_Section):
    at_most: Share
    or_worse_by_at_most: float = Field(ge=0, lt=1)


class LatencyRules(_Section):
    median: float = Field(gt=0)
    p95: float = Field(gt=0)


class GateRules(_Section):
    """`gate.yaml`."""

    heads: tuple[Facet, ...]
    confidence: float = Field(gt=0.5, lt=1)
    protected: Mapping[Facet | Literal["flags"], tuple[str, ...] | Literal["all"]]
    least_texts: int = Field(ge=1)
    recall_floors: Mapping[Literal["P", "S", "E", "X"], Share]
    least_recall_texts: int = Field(ge=1)
    calibration: CalibrationRules
    latency_ratio: LatencyRules
    size_ratio: float = Field(gt=0)
    most_bytes: int = Field(gt=0)

    @classmethod
    def read(cls, file: Path = RULES_FILE) -> Self:
        """Raises SettingsError naming each wrong key."""
        try:
            return cls.model_validate(read_yaml(file))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(f"gate rules {file.name} cannot be read: {type(error).__name__}") from error
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
            raise SettingsError(f"gate rules {file.name} are wrong: {problems}") from error


def judge(
    pairs: Sequence[Pair], candidate: Bundle, current: Bundle, *, rules: GateRules, registry: Registry, rules_file: Path
) -> GateRecord:
    """All findings, on every set."""
    findings: list[Finding] = []
    for pair in pairs:
        found = [*_heads(pair, rules), *_classes(pair, rules), *_floors(pair, rules), *_calibration(pair, rules)]
        findings += [replace(one, subject=f"{pair.name} {one.subject}") for one in found]
    findings += [*_latency(pairs, rules), *_size(candidate, current, rules)]
    return GateRecord(
        at=datetime.now(UTC),
        candidate=candidate.folder.name,
        candidate_seal=registry.seal(candidate.folder.name),
        current=current.folder.name,
        current_seal=registry.seal(current.folder.name),
        texts=sum(len(pair.candidate.texts) for pair in pairs),
        sets=tuple(pair.name for pair in pairs),
        rules_sha256=sha256(rules_file.read_bytes()).hexdigest(),
        findings=tuple(findings),
    )


def _heads(pair: Pair, rules: GateRules) -> Iterator[Finding]:
    for facet in rules.heads:
        places = [i for i, text in enumerate(pair.candidate.texts) if getattr(text, facet) is not None]
        if len(places) < rules.least_texts:
            yield _unjudged("accuracy", facet, len(places), rules.least_texts)
            continue
        d = compare_facet(pair, facet, places)
        yield Finding(
            check="accuracy",
            subject=facet,
            passed=not d.is_worse,
            found=f"{d.first:.3f}, current {d.second:.3f}: {d.difference:+.3f} [{d.low:+.3f}, {d.high:+.3f}], n {d.n}",
            expected="no loss beyond noise",
        )


def _classes(pair: Pair, rules: GateRules) -> Iterator[Finding]:
    for facet, named in rules.protected.items():
        wanted = _codes_by_text(pair.candidate, facet)
        classes = sorted(set().union(*wanted)) if named == "all" else list(named)
        counts = {code: sum(code in codes for codes in wanted) for code in classes}
        judged = [code for code in classes if counts[code] >= rules.least_texts]
        for code in classes:
            if code not in judged:
                yield _unjudged("class", code, counts[code], rules.least_texts)
        for code in judged:
            yield _class(pair, facet, code, confidence=1 - (1 - rules.confidence) / len(judged))


def _class(pair: Pair, facet: str, code: str, *, confidence: float) -> Finding:
    wanted = [code in codes for codes in _codes_by_text(pair.candidate, facet)]
    first, second = (
        [code in codes for codes in _given_by_text(side, facet)] for side in (pair.candidate, pair.current)
    )
    d = paired_f1(wanted, first, second, confidence=confidence)
    return Finding(
        check="class",
        subject=code,
        passed=not d.is_worse,
        found=f"F1 {d.first:.3f}, current {d.second:.3f}: {d.difference:+.3f} [{d.low:+.3f}, {d.high:+.3f}], n {d.n}",
        expected="no loss beyond noise",
    )


def _codes_by_text(evaluated: EvaluatedSet, facet: str) -> list[frozenset[str]]:
    if facet == "flags":
        return [frozenset(text.flags) for text in evaluated.texts]
    return [_one(getattr(text, facet)) for text in evaluated.texts]


def _given_by_text(evaluated: EvaluatedSet, facet: str) -> list[frozenset[str]]:
    """What was given; any defensible answer counts as the wanted one."""
    if facet == "flags":
        return [frozenset(flag.code for flag in answer.flags) for answer in evaluated.answers]
    given = []
    for i, answer in enumerate(evaluated.answers):
        code = given_code(answer, facet)
        is_right = evaluated.is_right(i, facet, code)
        given.append(_one(getattr(evaluated.texts[i], facet) if is_right else code))
    return given


def _one(code: str | None) -> frozenset[str]:
    return frozenset() if code is None else frozenset([code])


def _floors(pair: Pair, rules: GateRules) -> Iterator[Finding]:
    for group, floor in rules.recall_floors.items():
        places = [i for i, text in enumerate(pair.candidate.texts) if any(flag[0] == group for flag in text.flags)]
        if len(places) < rules.least_recall_texts:
            yield _unjudged("recall", group, len(places), rules.least_recall_texts)
            continue
        hits = sum(raises(pair.candidate.answers[i], group) for i in places)
        yield Finding(
            check="recall",
            subject=group,
            passed=hits / len(places) >= floor,
            found=f"{hits / len(places):.3f} ({hits} of {len(places)})",
            expected=f"at least {floor:.3f}",
        )


def _calibration(pair: Pair, rules: GateRules) -> Iterator[Finding]:
    ours, theirs = (evaluate_confidence(side)["heads"] for side in (pair.candidate, pair.current))
    for head in rules.heads:
        if ours[head]["n"] < rules.least_texts:
            yield _unjudged("calibration", head, ours[head]["n"], rules.least_texts)
            continue
        error, before = ours[head]["error"], theirs[head]["error"]
        limit = max(rules.calibration.at_most, before + rules.calibration.or_worse_by_at_most)
        yield Finding(
            check="calibration",
            subject=head,
            passed=error <= limit,
            found=f"error {error:.3f}, current {before:.3f}",
            expected=f"at most {limit:.3f}",
        )


def _latency(pairs: Sequence[Pair], rules: GateRules) -> Iterator[Finding]:
    ours = np.array([seconds for pair in pairs for seconds in pair.candidate_seconds])
    theirs = np.array([seconds for pair in pairs for seconds in pair.current_seconds])
    for name, percent, limit in (("median", 50, rules.latency_ratio.median), ("p95", 95, rules.latency_ratio.p95)):
        one, other = (float(np.percentile(side, percent)) for side in (ours, theirs))
        yield Finding(
            check="latency",
            subject=name,
            passed=one <= limit * other,
            found=f"{one * 1e3:.1f} ms, current {other * 1e3:.1f} ms: {one / other:.2f} times",
            expected=f"at most {limit:.2f} times",
        )


def _size(candidate: Bundle, current: Bundle, rules: GateRules) -> Iterator[Finding]:
    one, other = (sum(entry["bytes"] for entry in b.manifest["files"].values()) for b in (candidate, current))
    limit = min(rules.most_bytes, int(rules.size_ratio * other))
    yield Finding(
        check="size",
        subject="bundle",
        passed=one <= limit,
        found=f"{one / 1e6:.1f} MB, current {other / 1e6:.1f} MB",
        expected=f"at most {limit / 1e6:.1f} MB",
    )


def _unjudged(check: str, subject: str, found: int, least: int) -> Finding:
    return Finding(
        check=check, subject=subject, passed=True, found=f"{found} texts, not judged", expected=f"from {least} texts on"
    )


def finding_line(finding: Finding) -> str:
    """A finding for a terminal."""
    mark = "passed" if finding.passed else "FAILED"
    return f"{mark}  {finding.check:11s} {finding.subject:22s} {finding.found}; expected {finding.expected}"
