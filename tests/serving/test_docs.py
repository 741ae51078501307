"""The documents say what there is: every setting, route, metric, command and key of the answer."""

import re
from pathlib import Path

import click
import pytest

from models.answer import TriageAnswer
from serving.api.requests import BatchRequest, TriageRequest
from serving.app import create_app
from serving.cli import main
from serving.settings import Settings
from serving.telemetry import Telemetry
from tests.serving.banks import bank_settings

ROOT = Path(__file__).resolve().parents[2]
README, API, SETTINGS, METRICS, ADMINISTRATION = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/api.md", "docs/settings.md", "docs/metrics.md", "docs/administration.md")
)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_setting_is_documented(name: str) -> None:
    assert f"`XIAOBAO_{name.upper()}`" in SETTINGS


@pytest.mark.parametrize("name", sorted(set(TriageAnswer.model_fields) - {"probabilities"}))
def test_key_of_the_answer_is_documented(name: str) -> None:
    assert f"`{name}`" in API


@pytest.mark.parametrize("name", [*TriageRequest.model_fields, *BatchRequest.model_fields])
def test_field_of_the_request_is_documented(name: str) -> None:
    assert f"`{name}`" in API or f'"{name}"' in API


def test_route_is_documented() -> None:
    app = create_app(bank_settings("sqlite:///never-opened.db"))
    paths = [path for path in app.openapi()["paths"] if path != "/"]
    assert [path for path in paths if path not in API + ADMINISTRATION] == []


@pytest.mark.parametrize("metric", [metric.name for metric in Telemetry().registry.collect()])
def test_metric_is_documented(metric: str) -> None:
    assert re.search(rf"`{metric}(_total)?[`{{]", METRICS)


def test_command_is_documented() -> None:
    names = main.list_commands(click.Context(main))
    assert "evaluate" in names
    assert [name for name in names if f"`xiaobao {name}" not in README + ADMINISTRATION] == []


def test_both_commands_stand_in_both_languages() -> None:
    chinese = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    for text in (README, chinese):
        assert "make run" in text
        assert "make test" in text
