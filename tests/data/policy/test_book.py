"""A bank's own policy folder and holiday table beside the shipped ones."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.errors import CalendarError, PolicyError
from data.policy.book import default_book, load_book
from data.policy.calendar import HOLIDAYS_PATH
from data.policy.schema import POLICY_PATH, default_policy, digest_of
from tests.data.policy.cases import changed_policy

SHIPPED = {"1.2.0": "18d072218556"}


def write_policy(folder: Path, name: str = "policy.yaml", change: Callable[[Any], object] = lambda _: None) -> None:
    """The shipped policy with `change` made to it, as a file of a bank."""
    content = yaml.safe_load(POLICY_PATH.read_text(encoding="utf-8"))
    change(content)
    (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def version(number: str) -> Callable[[Any], object]:
    return lambda content: content.update(version=number)


def test_without_a_folder_the_shipped_policy_holds() -> None:
    book = default_book()
    assert book.current == default_policy()
    assert book.of(book.current.version) == book.current


def test_a_banks_policy_is_current_and_the_older_ones_stay(tmp_path: Path) -> None:
    write_policy(tmp_path, change=version("2.1.0"))
    write_policy(tmp_path, "policy-2.0.0.yaml", version("2.0.0"))
    book = load_book(tmp_path)
    assert book.current.version == "2.1.0"
    assert set(book.versions) == {"1.2.0", "2.0.0", "2.1.0"}
    with pytest.raises(PolicyError, match=r"opened with policy 1\.9\.0.*policy-1\.9\.0\.yaml"):
        book.of("1.9.0")


def test_a_folder_without_a_policy_is_named(tmp_path: Path) -> None:
    write_policy(tmp_path, "policy-2.0.0.yaml", version("2.0.0"))
    with pytest.raises(PolicyError, match=r"holds no policy\.yaml"):
        load_book(tmp_path)


def test_a_banks_holiday_table(tmp_path: Path) -> None:
    content = yaml.safe_load(HOLIDAYS_PATH.read_text(encoding="utf-8"))
    years = {year: table for year, table in content["years"].items() if year == 2026}
    file = tmp_path / "holidays.yaml"
    file.write_text(yaml.safe_dump({"years": years}, allow_unicode=True), encoding="utf-8")
    calendar = load_book(None, file).calendar
    assert calendar.is_working_day(date(2026, 11, 30))
    with pytest.raises(CalendarError):
        calendar.is_working_day(date(2025, 6, 3))


def test_a_fingerprint_follows_the_content_alone() -> None:
    assert digest_of(changed_policy(lambda _: None)) == digest_of(default_policy())
    changed = changed_policy(lambda content: content["clocks"][0]["extensions"][0].update(total=29))
    assert digest_of(changed) != digest_of(default_policy())
    row = default_policy().clock_rows["D1"]
    assert digest_of(changed.clock_rows["D1"]) == digest_of(row), "an extension is a row of its own"


def test_the_shipped_policy_changes_only_with_its_version() -> None:
    """Stores refuse to open with another text under the same number: raise the version, keep the old file beside."""
    assert {version: digest_of(policy)[:12] for version, policy in default_book().versions.items()} == SHIPPED


def test_complaints_cannot_lose_their_limits() -> None:
    with pytest.raises(PolicyError, match="limits of complaints cannot be switched off"):
        changed_policy(lambda content: content["no_complaint"].update(order_types=["complaint"]))
    with pytest.raises(PolicyError, match="unknown order types of the taxonomy: gossip"):
        changed_policy(lambda content: content["no_complaint"].update(order_types=["gossip"]))
