"""The taxonomy is complete, and a wrong file is refused with the wrong entry's name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from data.errors import TaxonomyError
from data.taxonomy import TAXONOMY_PATH, Taxonomy, load_taxonomy


def _written(tmp_path: Path, content: object) -> Path:
    file = tmp_path / "taxonomy.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


@pytest.fixture
def content() -> Any:
    return yaml.safe_load(TAXONOMY_PATH.read_text(encoding="utf-8"))


def test_holds_every_facet_of_the_label_guide(taxonomy: Taxonomy) -> None:
    assert [c.code for c in taxonomy.categories] == (
        ["B01", "B02", "B03A", "B03B", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B13", "B99"]
    )
    assert len(taxonomy.causes) == 12
    assert [c.code for c in taxonomy.order_types] == [
        "complaint", "verification", "consultation", "feedback", "irrelevant",
    ]  # fmt: skip
    groups = [flag.group for flag in taxonomy.flags]
    assert {group: groups.count(group) for group in "PSEX"} == {"P": 10, "S": 12, "E": 12, "X": 1}
    assert len(taxonomy.pii_kinds) == 15


def test_names_that_measuring_depends_on(taxonomy: Taxonomy) -> None:
    assert taxonomy.entries["B06.03"].name == "小面额人民币兑换(收存)"
    assert taxonomy.entries["C01.1"].name == "服务态度"
    assert taxonomy.entries["C01.2"].name == "业务操作与效率"
    assert all(entry.std_code == "" for entry in taxonomy.entries.values())


def test_leaf_under_a_foreign_category_is_named(tmp_path: Path, content: Any) -> None:
    content["categories"][0]["leaves"][0]["code"] = "B02.01"
    with pytest.raises(TaxonomyError, match=r"B02\.01.*B01"):
        load_taxonomy(_written(tmp_path, content))


def test_repeated_code_is_named(tmp_path: Path, content: Any) -> None:
    content["flags"][1]["code"] = "P01"
    with pytest.raises(TaxonomyError, match="code given more than once: P01"):
        load_taxonomy(_written(tmp_path, content))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("flags", 0, "code"), "Q01", r"flags\.0\.code"),
        (("causes", 2, "subcauses", 1, "name"), "", r"causes\.2\.subcauses\.1\.name"),
        (("pii_kinds", 0, "placeholder"), "身份证", r"pii_kinds\.0\.placeholder"),
        (("version",), "1", "version"),
        (("conventions", "staff_private_sale_category"), "B01", r"conventions\.staff_private_sale_category"),
    ],
)
def test_wrong_entry_is_named(tmp_path: Path, content: Any, path: tuple[Any, ...], value: object, named: str) -> None:
    target = content
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(TaxonomyError, match=named):
        load_taxonomy(_written(tmp_path, content))


def test_unknown_key_is_refused(tmp_path: Path, content: Any) -> None:
    content["categories"][0]["colour"] = "red"
    with pytest.raises(TaxonomyError, match=r"categories\.0\.colour"):
        load_taxonomy(_written(tmp_path, content))


def test_file_that_is_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(TaxonomyError, match="YAML"):
        load_taxonomy(tmp_path / "taxonomy.yaml")
