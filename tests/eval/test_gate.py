"""An equal model passes; what is worse beyond noise, misses a floor, is slow or large is named and stopped."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import SettingsError
from data.schema import LabelledText
from data.splits import read_splits
from eval.against import Pair, compare_pair
from eval.commands import evaluate_command, gate_command
from eval.gate import RULES_FILE, GateRules, judge
from eval.sets import answer_set, corpus_set
from models.bundle import Bundle, write_manifest
from models.predictor import Predictor
from models.promotion import add, promote
from models.registry import Finding, Registry

TEXTS = 160


@pytest.fixture(scope="module")
def equal(shipped_corpus: tuple[LabelledText, ...], shipped_predictor: Predictor) -> Pair:
    """The shipped model beside itself, on texts of the development split."""
    splits = read_splits()
    texts = [text for text in shipped_corpus if splits.get(text.id) == "dev"][:TEXTS]
    answered = answer_set(corpus_set("dev", texts), shipped_predictor)
    seconds = tuple(0.004 + 0.0001 * (i % 7) for i in range(TEXTS))
    return Pair(candidate=answered, current=answered, candidate_seconds=seconds, current_seconds=seconds)


@pytest.fixture(scope="module")
def registry(shipped_predictor: Predictor) -> Registry:
    return Registry(shipped_predictor.bundle.folder.parent)


def failures(pair: Pair, predictor: Predictor, registry: Registry, **changed: object) -> list[Finding]:
    rules = GateRules.read().model_copy(update={"recall_floors": {"P": 0.5}, "least_recall_texts": 5, **changed})
    record = judge([pair], predictor.bundle, predictor.bundle, rules=rules, registry=registry, rules_file=RULES_FILE)
    assert record.passed == all(finding.passed for finding in record.findings)
    return [finding for finding in record.findings if not finding.passed]


def degraded(pair: Pair, **update: object) -> Pair:
    answers = [answer.model_copy(update=update) for answer in pair.candidate.answers]
    return replace(pair, candidate=replace(pair.candidate, answers=answers))


def test_an_equal_model_passes(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    assert failures(equal, shipped_predictor, registry) == []


def test_a_lost_category_is_stopped_by_name(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    counts = [text.category for text in equal.candidate.texts]
    victim = max({code for code in counts if code}, key=counts.count)
    other = next(
        answer.category for answer in equal.candidate.answers if answer.category and answer.category.code != victim
    )
    answers = [
        answer.model_copy(update={"category": other}) if answer.category and answer.category.code == victim else answer
        for answer in equal.candidate.answers
    ]
    worse = replace(equal, candidate=replace(equal.candidate, answers=answers))
    found = failures(worse, shipped_predictor, registry)
    assert ("class", f"dev {victim}") in {(finding.check, finding.subject) for finding in found}
    assert ("accuracy", "dev category") in {(finding.check, finding.subject) for finding in found}


def test_silent_flags_miss_the_floor(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    found = failures(degraded(equal, flags=[]), shipped_predictor, registry)
    [floor] = [finding for finding in found if finding.check == "recall"]
    assert floor.subject == "dev P"
    assert floor.found.startswith("0.000 (0 of ")


def test_slow_and_large_models_are_stopped(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    slow = replace(equal, candidate_seconds=tuple(2 * seconds for seconds in equal.current_seconds))
    found = failures(slow, shipped_predictor, registry, most_bytes=1_000_000)
    assert [(finding.check, finding.subject) for finding in found] == [
        ("latency", "median"),
        ("latency", "p95"),
        ("size", "bundle"),
    ]


def test_false_certainty_is_stopped(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    def sure(probabilities: dict[str, float]) -> dict[str, float]:
        best = max(probabilities, key=probabilities.__getitem__)
        return {code: float(code == best) for code in probabilities}

    answers = []
    for answer in equal.candidate.answers:
        assert answer.probabilities is not None
        channel = sure(answer.probabilities.channel)
        answers.append(
            answer.model_copy(update={"probabilities": answer.probabilities.model_copy(update={"channel": channel})})
        )
    found = failures(replace(equal, candidate=replace(equal.candidate, answers=answers)), shipped_predictor, registry)
    assert [(finding.check, finding.subject) for finding in found] == [("calibration", "dev channel")]


def test_few_texts_are_not_judged_and_say_so(equal: Pair, shipped_predictor: Predictor, registry: Registry) -> None:
    rules = GateRules.read().model_copy(update={"least_texts": 10_000})
    record = judge(
        [equal],
        shipped_predictor.bundle,
        shipped_predictor.bundle,
        rules=rules,
        registry=registry,
        rules_file=RULES_FILE,
    )
    assert all("not judged" in finding.found for finding in record.findings if finding.check == "class")


def test_differences_stand_by_head_and_slice(equal: Pair) -> None:
    rows = compare_pair(degraded(equal, flags=[]))
    by_place = {(row.head, row.where): row.difference for row in rows}
    assert by_place["category", "all"].difference == 0
    assert by_place["recall E", "all"].is_worse
    assert any(where.startswith("length ") for _, where in by_place)


def test_wrong_rules_are_named(tmp_path: Path) -> None:
    file = tmp_path / "gate.yaml"
    file.write_text(RULES_FILE.read_text(encoding="utf-8").replace("size_ratio", "weight_ratio"), encoding="utf-8")
    with pytest.raises(SettingsError, match="weight_ratio"):
        GateRules.read(file)


def test_commands_ask_the_gate_and_keep_its_word(
    tiny_bundle: Bundle, tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(tmp_path / "models")
    for name in ("old", "new"):
        folder = Path(shutil.copytree(tiny_bundle.folder, tmp_path / name))
        write_manifest(folder, name)
        add(registry, folder)
    promote(registry, "old", who="cli:lin", reason="first model", force=True)
    monkeypatch.setenv("XIAOBAO_MODELS", str(registry.folder))
    corpus = ["--corpus", str(tiny_corpus / "texts"), "--splits", str(tiny_corpus / "splits.tsv")]
    asked = CliRunner().invoke(gate_command, ["new", "--split", "test", *corpus])
    record = registry.gate_record("new")
    assert record is not None
    assert (record.current, record.sets, asked.exit_code) == ("old", ("test",), 0 if record.passed else 1)
    assert "accuracy    test order_type" in asked.output
    beside = ["--bundle", str(tmp_path / "new"), "--against", "current", "--split", "test", *corpus]
    shown = CliRunner().invoke(evaluate_command, beside)
    assert shown.exit_code == 0, shown.output
    assert "new − old on test" in shown.output
