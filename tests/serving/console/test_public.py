"""The public notice: the bank's words, and no other limits than the clocks count."""

from pathlib import Path

import pytest
import yaml

from data.errors import SettingsError
from data.policy.book import default_book
from serving.app import create_app
from serving.console.notice import SHIPPED, load_notice
from serving.console.public import limits_of
from tests.serving.banks import bank_settings
from tests.serving.console.office import Office


def test_everybody_reads_it_and_finds_the_limits_of_the_clocks(office: Office) -> None:
    page = office.seat().get("/public")
    assert page.status_code == 200
    notice = load_notice()
    for words in (notice.bank, notice.asking, *(channel.contact for channel in notice.channels)):
        assert words in page.text
    rows = default_book().current.clock_rows
    assert f"{rows['D1'].limit} 日" in page.text
    for step in rows["D1"].extensions:
        assert step.name in page.text
        assert f"{step.total} 日" in page.text
    assert rows["D7.1"].name not in page.text
    assert rows["D12"].name not in page.text
    assert "/console/sign-in" not in page.text


def test_a_confirmed_row_is_told_and_what_authorities_owe_is_not() -> None:
    policy = default_book().current
    before, behind = (
        {limit.row.code for limit in limits_of(policy, codes)} for codes in (frozenset(), frozenset({"D7.1"}))
    )
    assert behind - before == {"D7.1"}
    assert "D10" not in before


def test_another_policy_is_another_promise() -> None:
    policy = default_book().current
    shorter = policy.clock_rows["D1"].model_copy(update={"limit": 12})
    changed = policy.model_copy(update={"clocks": (shorter, *policy.clocks[1:])})
    assert limits_of(changed, frozenset())[0].base.limit == 12


def test_a_notice_with_a_slip_stops_the_start(tmp_path: Path) -> None:
    own = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    file = tmp_path / "notice.yaml"
    file.write_text(yaml.safe_dump(own | {"bank": "样例银行"}, allow_unicode=True), encoding="utf-8")
    assert load_notice(file).bank == "样例银行"
    file.write_text(yaml.safe_dump(own | {"limits": "十五日"}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(SettingsError, match="limits"):
        create_app(bank_settings("sqlite:///never-opened.db", notice=file))
    with pytest.raises(SettingsError, match="XIAOBAO_NOTICE"):
        load_notice(tmp_path / "gone.yaml")
