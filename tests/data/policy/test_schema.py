"""The shipped policy is complete, and a wrong file is refused with the wrong place's name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.errors import PolicyError
from data.policy.schema import POLICY_PATH, default_policy, load_policies, load_policy, policy_of
from data.taxonomy import default_taxonomy
from tests.data.policy.cases import changed_policy

POLICY = default_policy()


def test_holds_every_limit_of_the_table() -> None:
    """taxonomy.md 2.1: D1-D12 and D17-D20 as clocks, steps or rules."""
    rules = POLICY.rules
    codes = [*POLICY.clock_rows, *POLICY.steps, rules.pause.code, rules.restart.code, rules.withdrawal.code]
    numbers = {int(re.findall(r"\d+", code)[0]) for code in [*codes, rules.phone_notice.code]}
    assert numbers == {*range(1, 13), *range(17, 21)}


@pytest.mark.parametrize(
    ("code", "limit", "unit", "longest", "confidence"),
    [
        ("D1", 15, "calendar_days", 60, "A"),
        ("D7.1", 30, "calendar_days", None, "M"),
        ("D7.2", 30, "calendar_days", None, "M"),
        ("D9", 7, "working_days", None, "M"),
        ("D10", 7, "working_days", None, "A"),
        ("D11", 15, "calendar_days", 60, "A"),
        ("D17", 20, "calendar_days", None, "A"),
        ("D18", 30, "calendar_days", None, "A"),
        ("D19.1", 15, "calendar_days", None, "A"),
        ("D19.2", 60, "calendar_days", 90, "A"),
        ("D19.4", 30, "calendar_days", None, "A"),
        ("D20", 7, "working_days", None, "A"),
    ],
)
def test_limits(code: str, limit: int, unit: str, longest: int | None, confidence: str) -> None:
    row = POLICY.clock_rows[code]
    assert (row.limit, row.unit, row.confidence) == (limit, unit, confidence)
    assert (row.extensions[-1].total if row.extensions else None) == longest


def test_what_comes_from_memory_only_warns() -> None:
    assert POLICY.unconfirmed == {"D7.1", "D7.2", "D8", "D9", "Z1", "Z3"}


def test_careful_counting_is_the_default() -> None:
    assert (POLICY.counting.first_day_excluded, POLICY.counting.roll_over_rest_days) == (True, False)


def test_version_stays() -> None:
    assert POLICY.version == "1.2.0"


@pytest.mark.parametrize(
    ("flags", "priority", "rank"),
    [
        ([], "normal", 3),
        (["X01"], "normal", 3),
        (["X01", "P01"], "high", 2),
        (["E09"], "urgent", 1),
        (["S01", "E09", "E07"], "urgent", 0),
        (["E01", "X01"], "urgent", 0),
    ],
)
def test_priority_and_place_in_the_queue(flags: list[str], priority: str, rank: int) -> None:
    assert (POLICY.priority_of(flags), POLICY.rank_of(flags)) == (priority, rank)


def test_every_flag_has_departments() -> None:
    assert set(POLICY.routing.by_flag) == {flag.code for flag in default_taxonomy().flags}


def _set(path: str, value: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in way:
            content = content[part]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("version", "1.2", r"version: .*found '1\.2'"),
        ("surprise", 1, "surprise: unknown key; expected only the documented keys"),
        ("clocks/0/limits", 15, r"clocks\.0\.limits: unknown key"),
        ("clocks/0/limit", 0, r"clocks\.0\.limit: .*greater than 0 \(found 0\)"),
        ("clocks/0/unit", "days", r"clocks\.0\.unit: .*'calendar_days', 'working_days' or 'hours' \(found 'days'\)"),
        ("clocks/0/triggers", ["fax"], r"clocks\.0\.triggers\.0: .*found 'fax'"),
        ("clocks/0/confidence", "D", r"clocks\.0\.confidence"),
        ("clocks/0/follows", "D11", "D1 needs either limit and unit, or follows alone"),
        ("clocks/1/code", "D1", "code given more than once: D1"),
        ("clocks/1/code", "TICKET", "code given more than once: TICKET"),
        ("clocks/0/extensions/0/total", 15, r"each extension must be longer .*\[15, 15, 60\]"),
        ("clocks/0/extensions/0/approvers", ["boss"], "unknown approvers: boss; expected some of complaints_head"),
        ("clocks/0/extensions/0/approvers", [], r"clocks\.0\.extensions\.0\.approvers"),
        ("rules/pause/clocks", ["D99"], "unknown clocks of D4: D99"),
        ("rules/restart/clocks", ["D12"], "unknown clocks of D5: D12"),
        ("clocks/0/unit", "hours", r"\['D1'\] count hours, which run on through a pause"),
        ("priority/steps", [{"flags": ["E01"], "priority": "urgent"}], "the last step.*must be `flags: rest`"),
        ("priority/steps/0/priority", "high", "no urgent step may stand behind a high one"),
        ("priority/steps/0/flags", ["E01", "E07", "E99"], "unknown flags of the taxonomy: E99"),
        ("priority/not_a_risk", ["X01", "E01"], r"\['E01'\] stand in a step and in not_a_risk"),
        ("always_to_person/flags", "some", r"always_to_person\.flags"),
        ("always_to_person/order_types", ["feedback"], "order_types lacks irrelevant"),
        ("always_to_person/low_confidence", ["cause"], "low_confidence lacks category, order_type"),
        ("routing/otherwise", "nobody", "unknown departments: nobody"),
        ("routing/by_category/B77", "retail", "unknown categories or leaves of the taxonomy: B77"),
        ("routing/by_category", {"B01": "retail"}, r"routing\.by_category lacks B02"),
        ("major/persons_together/persons", 1, r"major\.persons_together\.persons"),
        ("alerts/flags", ["E07"], "flags lacks E01"),
        ("alerts/flags", ["E01", "P01"], r"alerts\.flags holds \['P01'\], whose priority is not urgent"),
        ("alerts/levels", [], r"alerts\.levels"),
    ],
)
def test_a_wrong_file_is_refused(path: str, value: object, named: str) -> None:
    with pytest.raises(PolicyError, match=named) as raised:
        changed_policy(_set(path, value))
    assert "correct these places" in raised.value.message
    assert "请更正" in raised.value.message_zh
    assert raised.value.code == "policy_invalid"


def test_a_missing_part_is_named() -> None:
    with pytest.raises(PolicyError, match="alerts: missing; expected a value"):
        changed_policy(lambda content: content.pop("alerts"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version: '1'\nversion: '2'\n", "the key 'version' stands twice"),
        ("a: [1\n", "cannot be read as YAML"),
        ("", "policy.yaml is inconsistent: file: "),
    ],
)
def test_a_file_that_is_no_policy(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=named):
        load_policy(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"policy\.yaml cannot be read"):
        load_policy(tmp_path / "policy.yaml")


def _written(folder: Path, name: str, **changes: object) -> None:
    content = yaml.safe_load(POLICY_PATH.read_text(encoding="utf-8")) | changes
    (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_old_versions_stay_beside_the_new(tmp_path: Path) -> None:
    _written(tmp_path, "policy.yaml", version="1.3.0")
    _written(tmp_path, "policy-1.2.0.yaml")
    policies = load_policies(tmp_path)
    assert policy_of("1.2.0", policies) == POLICY
    assert policy_of("1.3.0", policies).version == "1.3.0"
    with pytest.raises(PolicyError, match=r"opened with policy 1\.1\.0.*put its file back as policy-1\.1\.0\.yaml"):
        policy_of("1.1.0", policies)


def test_one_version_with_two_contents_is_refused(tmp_path: Path) -> None:
    _written(tmp_path, "policy.yaml")
    _written(tmp_path, "policy-old.yaml", approvers={**POLICY.approvers, "president": "行长"})
    with pytest.raises(PolicyError, match=r"version 1\.2\.0 like another file.*give it a new one"):
        load_policies(tmp_path)
