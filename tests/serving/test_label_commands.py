"""Decisions leave the store redacted, in versions; what is erased leaves every version; Label Studio and back."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.errors import InputFileError
from data.label_studio import read_tasks
from data.snapshots import read_manifest, read_snapshot, snapshots
from data.store.label_export import ExportDesk, is_case_number
from data.store.maintenance import erase
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from data.taxonomy import Taxonomy
from models.registry import Registry
from serving.cli import main
from serving.commands.drift import drift_group
from serving.commands.labels import labels_group
from serving.commands.opening import opened_store
from tests.data.store.cases import EAST, WEST, build_organisation, label, master_key, masters, put, user_id
from training.label_commands import labels_next_command


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("ENVIRONMENT", "API_TOKEN", "STORE", "MASTER_KEYS_FILE", "DATA_FOLDER"):
        monkeypatch.delenv(f"XIAOBAO_{name}", raising=False)
    monkeypatch.setenv("XIAOBAO_DATABASE_URL", url)
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    store = open_store(url, masters("2026a"))
    build_organisation(store)
    yield store
    store.close()


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(labels_group, arguments)
    assert result.exit_code == 0, result.output
    return result


def decide(store: Store, case_id: str, **changes: object) -> None:
    with store.writing() as work:
        work.labels.add(case_id, label(user_id(store, "supervisor-east"), **changes), within=EAST)


def test_decisions_become_a_snapshot_and_what_is_erased_leaves_it(store: Store, tmp_path: Path) -> None:
    kept, erased, waiting = (put(store, external_id=name) for name in ("kept", "erased", "waiting"))
    decide(store, kept.id, category="B02", leaf="B02.01", flags=("E07", "P02", "P01"))
    with store.writing() as work:
        blind = label(user_id(store, "handler-east"), is_blind=True, category="B09", leaf="B09.01")
        work.labels.add(kept.id, blind, within=EAST)
    decide(store, erased.id)
    run("pull", "--into", str(tmp_path))
    [first] = snapshots(tmp_path)
    rows = {row.id: row for row in read_snapshot(first)}
    assert set(rows) == {kept.id, erased.id}
    assert all(map(is_case_number, rows))
    assert not is_case_number("studio-4")
    row = rows[kept.id]
    assert (row.category, row.flags, row.readings[0]["category"]) == ("B02", ("E07", "P01", "P02"), "B09")
    assert row.probabilities["category"] == {"B03A": 0.71, "B02": 0.29}
    whole = "".join(file.read_text(encoding="utf-8") for file in first.iterdir())
    person = user_id(store, "supervisor-east")
    unsalted = hashlib.sha256(person.encode()).hexdigest()[:8]  # whoever knows the ids would find it
    for secret in ("13800138000", "王丽", person, unsalted):
        assert secret not in whole
    assert waiting.id not in whole
    run("pull", "--into", str(tmp_path))
    assert snapshots(tmp_path) == [first]  # nothing new, no other version
    erase(store, erased.id, actor_id="cli", reason="客户要求删除")
    assert "1 rows of erased cases" in run("pull", "--into", str(tmp_path)).output
    assert len(snapshots(tmp_path)) == 2
    assert [[row.id for row in read_snapshot(folder)] for folder in snapshots(tmp_path)] == [[kept.id]] * 2
    assert read_manifest(first)["forgotten"] == 1
    with store.reading() as work:
        assert [entry.action for entry in work.audit.entries(within=ROOT, limit=1)] == ["labels.pulled"]


def test_a_changed_snapshot_is_refused(store: Store, tmp_path: Path) -> None:
    decide(store, put(store).id)
    run("pull", "--into", str(tmp_path))
    [snapshot] = snapshots(tmp_path)
    for name in ("train", "gate"):
        (snapshot / f"{name}.jsonl").write_text("")
    with pytest.raises(InputFileError, match="was changed"):
        read_snapshot(snapshot)


def test_a_damaged_snapshot_keeps_no_other_from_forgetting(store: Store, tmp_path: Path) -> None:
    kept, erased = put(store, external_id="kept"), put(store, external_id="erased")
    decide(store, kept.id)
    run("pull", "--into", str(tmp_path))
    [damaged] = snapshots(tmp_path)
    damaged = damaged.rename(tmp_path / f"2026-01-01{damaged.name[10:]}")  # the first in order
    decide(store, erased.id)
    run("pull", "--into", str(tmp_path))
    sound = snapshots(tmp_path)[1]
    (damaged / "manifest.json").unlink()
    erase(store, erased.id, actor_id="cli", reason="客户要求删除")
    result = CliRunner().invoke(main, ["labels", "forget", "--into", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "1 rows left the snapshots\n")
    assert damaged.name in result.stderr
    assert sound.name not in result.stderr
    assert [row.id for row in read_snapshot(sound)] == [kept.id]
    run("pull", "--into", str(tmp_path))  # the decision that is left is the damaged one's: written anew
    assert [row.id for row in read_snapshot(damaged)] == [kept.id]


def test_what_a_killed_writer_left_is_forgotten_as_well(store: Store, tmp_path: Path) -> None:
    decide(store, put(store).id)
    run("pull", "--into", str(tmp_path))
    [snapshot] = snapshots(tmp_path)
    left = (tmp_path / ".2026-01-01-0a1b2c3d.new", snapshot / ".datasets.new")
    for folder in left:
        folder.mkdir()
        (folder / "train.jsonl").write_text("{}\n")
    (snapshot / ".train.jsonl.new").write_text("{}\n")
    run("forget", "--into", str(tmp_path))
    assert sorted(file.name for file in snapshot.iterdir()) == ["gate.jsonl", "manifest.json", "train.jsonl"]
    assert not any(folder.exists() for folder in left)


def test_a_withdrawn_decision_is_no_label(store: Store, tmp_path: Path) -> None:
    case = put(store)
    decide(store, case.id)
    user = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.withdraw(case.id, label(user).facets, user_id=user, within=EAST)
    run("pull", "--into", str(tmp_path))
    assert [row for folder in snapshots(tmp_path) for row in read_snapshot(folder)] == []


def test_exports_keep_to_the_callers_part(store: Store) -> None:
    case = put(store, unit_id="east")
    decide(store, case.id)
    with store.reading() as work:
        assert work.label_export.reviewed(within=WEST) == []
        assert work.label_export.waiting(within=WEST) == []
        assert work.label_export.gone([case.id], within=WEST) == {case.id}
        assert work.label_export.gone([case.id], within=EAST) == set()


def test_label_studio_and_back(store: Store, tmp_path: Path, taxonomy: Taxonomy) -> None:
    case = put(store)
    decide(store, case.id, channel="unknown")
    run("pull", "--into", str(tmp_path / "a"))
    [snapshot] = snapshots(tmp_path / "a")
    tasks = tmp_path / "tasks.json"
    run("to-studio", str(snapshot), str(tasks))
    run("from-studio", str(tasks), "--into", str(tmp_path / "b"))
    [back] = snapshots(tmp_path / "b")
    [one], [other] = read_snapshot(snapshot), read_snapshot(back)
    names = ("id", "text", "order_type", "category", "leaf", "cause", "subcause", "channel", "flags", "split")
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
    assert other.source == "label_studio"
    erase(store, case.id, actor_id="cli", reason="客户要求删除")
    assert "1 rows left" in run("forget", "--into", str(tmp_path / "b")).output
    assert read_snapshot(back) == []
    content = json.loads(tasks.read_text(encoding="utf-8"))
    annotation = content[0]["annotations"][0] | {"updated_at": "2026-11-30T10:00:00"}
    content[0]["annotations"] = [annotation]
    for given in ("nonsense", "P01"):  # a code of another question is none either
        annotation["result"][0]["value"]["choices"] = [given]
        tasks.write_text(json.dumps(content))
        with pytest.raises(InputFileError, match=f"task 1: order_type of taxonomy .* has no {given}"):
            read_tasks(tasks, taxonomy)
    annotation["result"][0]["value"]["choices"] = ["complaint"]
    tasks.write_text(json.dumps(content))
    assert read_tasks(tasks, taxonomy)[0].labelled_at == datetime(2026, 11, 30, 10, tzinfo=UTC)


def test_next_cases_come_from_the_store_and_are_written_down_first(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [put(store, f"第{i}次投诉，信用卡被盗刷{i}千元", external_id=str(i)) for i in range(6)]
    decide(store, cases[0].id)
    output, studio = tmp_path / "next.jsonl", tmp_path / "tasks.json"
    arguments = ["-n", "20", "--output", str(output), "--studio", str(studio)]
    desk = ExportDesk(opened=opened_store, actor=lambda: "cli:lin")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", lambda *_, **__: 1 / 0)
        assert CliRunner().invoke(labels_next_command, arguments, obj=desk).exit_code == 1
    with store.reading() as work:  # what did not come to be written was
        [entry] = work.audit.entries(within=ROOT, limit=1)
    assert (entry.action, entry.actor_id, json.loads(entry.details)) == (
        "labels.chosen", "cli:lin", {"cases": 6, "texts": 6},
    )  # fmt: skip
    result = CliRunner().invoke(labels_next_command, arguments, obj=desk)
    assert result.exit_code == 0, result.output
    chosen = {entry["id"]: entry["reason"] for entry in map(json.loads, output.read_text().splitlines())}
    assert set(chosen) == {case.id for case in cases}
    assert chosen[cases[0].id] == "blind"
    assert all("盗刷" in task["data"]["text"] for task in json.loads(studio.read_text(encoding="utf-8")))


def test_drift_is_measured_from_the_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.drift.LEAST_TEXTS", 4)
    monkeypatch.setenv("XIAOBAO_MODELS", str(tmp_path))
    (tmp_path / "now").mkdir()
    (tmp_path / "CURRENT").write_text("now\n")
    for i in range(5):
        put(store, f"第{i}次投诉信用卡年费", external_id=f"old{i}", received_at=datetime(2026, 10, 5, tzinfo=UTC))
        put(store, "话费套餐停机携号转网" * 50, external_id=f"new{i}", received_at=datetime(2026, 11, 25, tzinfo=UTC))
    made = CliRunner().invoke(drift_group, ["reference", "--from", "2026-10-01", "--to", "2026-11-01"])
    assert (made.exit_code, made.output) == (0, "reference of now: 5 texts\n")
    calm = CliRunner().invoke(drift_group, ["check", "--until", "2026-10-08"])
    checked = CliRunner().invoke(drift_group, ["check", "--until", "2026-11-27"])
    assert checked.exit_code == 1, checked.output
    assert "ALERT  length" in checked.output
    assert "ALERT  length" not in calm.output
    night = datetime(2026, 9, 30, 17, tzinfo=UTC)  # one in the morning of the first of October in China
    put(store, "凌晨投诉信用卡年费", external_id="night", received_at=night)
    again = CliRunner().invoke(drift_group, ["reference", "--from", "2026-10-01", "--to", "2026-11-01"])
    assert again.output == "reference of now: 6 texts\n"
    found = Registry(tmp_path).drift()
    assert found is not None
    assert found[0]["length"] == 1.0
    assert found[1] >= 1
