"""The pointer moves in one step, past the gate or with a reason; history knows the way back; damage is refused."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from data.errors import BundleError, RegistryError
from models.bundle import Bundle, current_bundle_folder, write_manifest
from models.promotion import add, keep_gate_record, promote, rollback, set_shadow
from models.registry import Finding, GateRecord, Registry, Shadow


@pytest.fixture
def registry(tiny_bundle: Bundle, tmp_path: Path) -> Registry:
    """Models a, b, c, of the same network; a serves."""
    registry = Registry(tmp_path / "models")
    for name in "abc":
        copy = tmp_path / name
        shutil.copytree(tiny_bundle.folder, copy)
        write_manifest(copy, name)
        assert add(registry, copy) == name
    promote(registry, "a", who="cli:lin", reason="first model", force=True)
    return registry


def record(registry: Registry, candidate: str, *, passed: bool) -> GateRecord:
    current = registry.current()
    assert current is not None
    finding = Finding(check="recall", subject="P", passed=passed, found="0.500 (5 of 10)", expected="at least 0.900")
    return GateRecord(
        at=datetime.now(UTC),
        candidate=candidate,
        candidate_seal=registry.seal(candidate),
        current=current,
        current_seal=registry.seal(current),
        texts=10,
        sets=("test",),
        rules_sha256="0" * 64,
        findings=(finding,),
    )


def test_a_candidate_that_passed_serves_and_history_says_who_and_why(registry: Registry) -> None:
    keep_gate_record(registry, record(registry, "b", passed=True))
    promote(registry, "b", who="cli:lin", reason="labels of November")
    assert current_bundle_folder(registry.folder).name == "b"
    last = registry.history()[-1]
    assert (last.before, last.after, last.who, last.reason, last.action) == (
        "a",
        "b",
        "cli:lin",
        "labels of November",
        "promote",
    )
    assert last.seal == registry.seal("b")


def test_without_a_gate_record_nothing_moves(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="b has no gate record"):
        promote(registry, "b", who="cli:lin", reason="")
    assert registry.current() == "a"
    assert len(registry.history()) == 1


def test_a_failed_gate_names_its_reasons(registry: Registry) -> None:
    keep_gate_record(registry, record(registry, "b", passed=False))
    with pytest.raises(RegistryError, match=r"not passed the gate: recall P: 0\.500 \(5 of 10\)"):
        promote(registry, "b", who="cli:lin", reason="")


def test_a_gate_record_speaks_about_these_files_and_this_current_model(registry: Registry) -> None:
    keep_gate_record(registry, record(registry, "b", passed=True))
    promote(registry, "c", who="cli:lin", reason="urgent fix", force=True)
    with pytest.raises(RegistryError, match="another current model"):
        promote(registry, "b", who="cli:lin", reason="")
    keep_gate_record(registry, record(registry, "b", passed=True))
    card = registry.folder / "b" / "MODEL_CARD.md"
    card.write_text("another model")
    write_manifest(card.parent, "b")
    with pytest.raises(RegistryError, match="other files"):
        promote(registry, "b", who="cli:lin", reason="")


def test_force_needs_a_reason_and_is_recorded(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="--reason"):
        promote(registry, "b", who="cli:lin", reason=" x ", force=True)
    promote(registry, "b", who="cli:lin", reason="regulator's order", force=True)
    assert registry.history()[-1].action == "force"


def test_rollbacks_go_back_step_by_step(registry: Registry) -> None:
    for name in "bc":
        promote(registry, name, who="cli:lin", reason="a good reason", force=True)
    assert [rollback(registry, who="cli:wu", reason="complaints").after for _ in range(2)] == ["b", "a"]
    with pytest.raises(RegistryError, match="no earlier model"):
        rollback(registry, who="cli:wu", reason="")
    assert [step.action for step in registry.history()][-2:] == ["rollback", "rollback"]


def test_a_promotion_that_died_before_the_pointer_moved_is_no_step(registry: Registry) -> None:
    promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    promote(registry, "c", who="cli:lin", reason="a good reason", force=True)
    (registry.folder / "CURRENT").write_text("b\n")
    assert rollback(registry, who="cli:wu", reason="").after == "a"


def test_what_died_before_the_pointer_moved_is_no_step_later_on_either(registry: Registry) -> None:
    promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    (registry.folder / "CURRENT").write_text("a\n")
    promote(registry, "c", who="cli:lin", reason="a good reason", force=True)
    assert rollback(registry, who="cli:wu", reason="").after == "a"
    (registry.folder / "CURRENT").write_text("c\n")  # that one died as well, and is done again
    assert rollback(registry, who="cli:wu", reason="").after == "a"


def test_a_model_that_is_being_copied_is_none_yet(registry: Registry, tmp_path: Path) -> None:
    shutil.copytree(registry.folder / "b", registry.folder / ".d.adding")
    assert registry.names() == ["a", "b", "c"]
    with pytest.raises(RegistryError, match="no model"):
        registry.folder_of(".d.adding")


def test_a_damaged_model_is_neither_added_nor_promoted(registry: Registry, tmp_path: Path) -> None:
    for folder in (registry.folder / "b", tmp_path / "c"):
        (folder / "thresholds.json").write_text("{}")
    with pytest.raises(BundleError, match=r"thresholds\.json of bundle b"):
        promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    with pytest.raises(BundleError, match=r"thresholds\.json of bundle c"):
        add(registry, tmp_path / "c")
    assert registry.current() == "a"


def test_a_full_disk_leaves_history_whole_and_the_pointer_where_it_was(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    monkeypatch.undo()
    assert ([step.after for step in registry.history()], registry.current()) == (["a"], "a")
    promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    assert rollback(registry, who="cli:wu", reason="").after == "a"


def test_one_writer_at_a_time(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.promotion.LOCK_SECONDS", 0.05)
    with FileLock(registry.folder / ".lock"), pytest.raises(RegistryError, match="another process"):
        promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    assert registry.current() == "a"


def test_a_pointer_out_of_the_folder_is_refused(registry: Registry) -> None:
    (registry.folder / "CURRENT").write_text("../elsewhere\n")
    with pytest.raises(BundleError, match="expected the name of a folder"):
        registry.current()


def test_a_shadow_is_set_and_taken_away(registry: Registry) -> None:
    assert registry.shadow() is None
    set_shadow(registry, Shadow(name="b", share=0.1))
    assert registry.shadow() == Shadow(name="b", share=0.1)
    set_shadow(registry, None)
    assert registry.shadow() is None


def test_what_was_changed_by_hand_is_refused(registry: Registry) -> None:
    keep_gate_record(registry, record(registry, "b", passed=False))
    file = registry.folder / "gates" / "b.json"
    file.write_text(json.dumps({"passed": True}))
    with pytest.raises(RegistryError, match="damaged"):
        promote(registry, "b", who="cli:lin", reason="")
    with (registry.folder / "history.jsonl").open("a") as history:
        history.write("no json\n")
    with pytest.raises(RegistryError, match=r"history\.jsonl"):
        rollback(registry, who="cli:lin", reason="")
