"""Decisions join the corpus by weight and age and end before the gate; a foreign taxonomy trains and answers."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from data.dataset import read_corpus
from data.errors import InputFileError
from data.snapshots import LabelRow, write_snapshot
from data.taxonomy import TAXONOMY_PATH, Taxonomy, load_taxonomy
from models.bundle import load_bundle, write_manifest
from models.predictor import Predictor
from models.promotion import add, promote
from models.registry import Registry
from training.config import TrainingConfig
from training.pipeline import train_bundle
from training.retrain import LabelWeights, RetrainConfig, Retraining, retrain, weight_of, weighted
from training.simulation.labels import as_row

pytestmark = pytest.mark.proof

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def aged(row: LabelRow, days: float) -> LabelRow:
    return replace(row, labelled_at=NOW - timedelta(days=days))


@pytest.fixture
def rows(taxonomy: Taxonomy, tiny_corpus: Path) -> list[LabelRow]:
    return [as_row(text) for text in read_corpus(taxonomy, tiny_corpus / "texts")]


def test_old_decisions_count_less(rows: list[LabelRow]) -> None:
    weights = LabelWeights(weight=2.5, half_life_days=100, least_weight=0.2)
    assert weight_of(NOW, NOW, weights) == 2.5
    assert weight_of(NOW - timedelta(days=200), NOW, weights) == pytest.approx(0.625)
    assert weight_of(NOW - timedelta(days=5000), NOW, weights) == 0.2
    many = [replace(rows[i % len(rows)], id=f"c{i}", labelled_at=NOW) for i in range(800)]
    assert len(list(weighted(many, weights))) == pytest.approx(2000, rel=0.03)
    assert list(weighted(many, weights)) == list(weighted(many, weights))
    old = [aged(row, 400) for row in many[:400]]
    assert len(list(weighted([*old, *many[400:]], weights))) == pytest.approx(1000 + 400 * 0.2, rel=0.05)


def test_decisions_become_a_candidate_before_the_gate(
    rows: list[LabelRow], tiny_corpus: Path, tiny_config: Path, tiny_run: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "models")
    first = Path(shutil.copytree(tiny_run / "bundle", tmp_path / "bundle"))
    write_manifest(first, "bundle")
    add(registry, first)
    promote(registry, "bundle", who="cli:lin", reason="first model", force=True)
    decided = [replace(row, id=f"case-{row.id}", labelled_at=NOW) for row in rows[:30]]
    versions = {"taxonomy": "1.0.0", "redaction": "2.1.0"}
    snapshot = write_snapshot(tmp_path / "labels", decided, versions=versions, hugging_face=False)
    work = Retraining(
        config=RetrainConfig(training=TrainingConfig.read(tiny_config)),
        snapshot=snapshot,
        name="november",
        run_folder=tmp_path / "run",
        texts_folder=tiny_corpus / "texts",
        splits_file=tiny_corpus / "splits.tsv",
    )
    said: list[str] = []
    record = retrain(work, registry, say=said.append)
    assert (record.candidate, record.current, record.sets) == ("november", "bundle", ("test", "decisions"))
    assert said[0].startswith("2")  # some of the thirty are the gate's
    assert registry.gate_record("november") == record
    metrics = json.loads((registry.folder / "november" / "metrics.json").read_text())
    assert (
        metrics["splits"]["train"] > json.loads((tiny_run / "bundle" / "metrics.json").read_text())["splits"]["train"]
    )
    assert retrain(work, registry, say=said.append).candidate == "november"
    assert said[-1] == "november is in the registry already; asking the gate"
    other = write_snapshot(tmp_path / "labels", decided[:20], versions=versions, hugging_face=False)
    with pytest.raises(InputFileError, match="learned from another labels"):
        retrain(replace(work, snapshot=other), registry, say=said.append)


def test_labels_of_another_taxonomy_are_refused(
    rows: list[LabelRow], tiny_corpus: Path, tiny_config: Path, tmp_path: Path
) -> None:
    snapshot = write_snapshot(tmp_path / "labels", rows[:9], versions={"taxonomy": "0.9.0"}, hugging_face=False)
    work = Retraining(
        config=RetrainConfig(training=TrainingConfig.read(tiny_config)),
        snapshot=snapshot,
        name="november",
        run_folder=tmp_path / "run",
        texts_folder=tiny_corpus / "texts",
        splits_file=tiny_corpus / "splits.tsv",
    )
    with pytest.raises(InputFileError, match=r"speaks taxonomy 0\.9\.0.*taxonomy migrate"):
        retrain(work, Registry(tmp_path / "models"), say=print)


# Another regulator's six classes, with words that no bank of the shipped taxonomy uses for them.
WORDS = {
    "B51": ("停机", "宽带故障", "没有信号"),
    "B52": ("套餐资费", "流量多扣", "话费账单"),
    "B53": ("携号转网", "号码销户", "过户"),
    "B54": ("骚扰电话", "垃圾短信", "诈骗来电"),
    "B55": ("手机维修", "合约机", "屏幕碎了"),
    "B56": ("积分兑换", "会员权益", "优惠活动"),
}
REQUESTS = (
    "一直没人处理，要求解决",
    "打了三次客服没有结果，请尽快答复",
    "态度很差，我要投诉到底",
    "拖了两个月还没办好",
)


def foreign_taxonomy(file: Path) -> Taxonomy:
    content = yaml.safe_load(TAXONOMY_PATH.read_text(encoding="utf-8"))

    def entry(code: str) -> dict[str, str]:
        return {"code": code, "name": code, "name_en": code, "std_code": "", "definition": code}

    category, cause = content["categories"][0], content["causes"][0]
    content["version"] = "9.0.0"
    content["categories"] = [{**category, **entry(code), "leaves": [entry(f"{code}.01")]} for code in WORDS]
    content["causes"] = [
        {**cause, **entry(code), "subcauses": [{**cause["subcauses"][0], **entry(f"{code}.1")}]}
        for code in ("C81", "C82")
    ]
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_taxonomy(file)


def test_a_bank_with_its_own_taxonomy_trains_on_its_own_file(tiny_config: Path, tmp_path: Path) -> None:
    own = foreign_taxonomy(tmp_path / "taxonomy.yaml")
    lines, splits = [], []
    for number, (code, words) in enumerate(sorted(WORDS.items())):
        for i, word in enumerate(words):
            for j, request in enumerate(REQUESTS):
                name = f"f{number}{i}{j}"
                cause = "C81" if j < 2 else "C82"
                lines.append({
                    "id": name, "text": f"{word}的问题，{request}", "order_type": "complaint", "leaf": f"{code}.01",
                    "subcause": f"{cause}.1", "channel": "unknown", "evidence": {cause: [request]},
                    "voice": "first_person", "input": "typed", "names_product": True, "scenario": name, "writer": "w01",
                })  # fmt: skip
                splits.append(f"{name}\t{('train', 'train', 'dev', 'test')[(i + j) % 4]}\n")
    (tmp_path / "texts").mkdir()
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "texts" / "own.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "splits.tsv").write_text("".join(splits), encoding="utf-8")
    train_bundle(
        TrainingConfig.read(tiny_config),
        run_folder=tmp_path / "run",
        output=tmp_path / "own",
        texts_folder=tmp_path / "texts",
        splits_file=tmp_path / "splits.tsv",
        taxonomy=own,
    )
    bundle = load_bundle(tmp_path / "own")
    assert (bundle.taxonomy_version, bundle.labels.category) == ("9.0.0", tuple(WORDS))
    held_out = [line for line, split in zip(lines, splits, strict=True) if split.endswith("test\n")]
    answers = Predictor(bundle, own).triage([str(line["text"]) for line in held_out])
    assert {answer.versions.taxonomy for answer in answers} == {"9.0.0"}
    given = [answer.leaf.code if answer.leaf else None for answer in answers]
    right = sum(code == line["leaf"] for code, line in zip(given, held_out, strict=True))
    assert right / len(held_out) > 0.8  # six classes: chance is 0.17
