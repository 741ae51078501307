"""Renamed and merged codes are converted, split ones wait for a person; policy and reports follow."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import TaxonomyError
from data.policy.schema import POLICY_PATH
from data.schema import LabelledText
from data.snapshots import read_manifest, read_snapshot, snapshots, write_snapshot
from data.taxonomy import Taxonomy
from data.taxonomy_map import TaxonomyMap, convert_policy, convert_report, convert_rows
from serving.commands.taxonomy import taxonomy_group
from training.simulation.labels import as_row

MAP = """
from: "0.9.0"
to: "1.0.0"
codes: {B03A.05: B03A.01, B09.01: [B09.01, B09.02], P01: P02}
"""


@pytest.fixture
def codes(taxonomy: Taxonomy, tmp_path: Path) -> TaxonomyMap:
    (tmp_path / "map.yaml").write_text(MAP)
    return TaxonomyMap.read(tmp_path / "map.yaml", taxonomy)


def test_labels_are_converted_and_what_was_split_waits(
    taxonomy: Taxonomy, tmp_path: Path, codes: TaxonomyMap, shipped_corpus: tuple[LabelledText, ...]
) -> None:
    rows = [
        as_row(next(text for text in shipped_corpus if text.leaf == leaf)) for leaf in ("B03A.05", "B09.01", "B02.01")
    ]
    done, left = convert_rows(rows, codes, taxonomy)
    assert [(row.category, row.leaf) for row in done] == [("B03A", "B03A.01"), ("B02", "B02.01")]
    assert all("P01" not in row.flags for row in done)
    assert [(one.id, one.field, one.choices) for one in left] == [(rows[1].id, "leaf", ("B09.01", "B09.02"))]
    snapshot = write_snapshot(tmp_path / "labels", rows, versions={"taxonomy": "0.9.0"}, hugging_face=False)
    arguments = ["migrate", "--map", str(tmp_path / "map.yaml"), "--labels", str(snapshot)]
    result = CliRunner().invoke(taxonomy_group, arguments)
    assert result.exit_code == 0, result.output
    [new] = [folder for folder in snapshots(tmp_path / "labels") if folder != snapshot]
    assert read_manifest(new)["versions"] == {"taxonomy": "1.0.0", "from": snapshot.name}
    assert len(read_snapshot(new)) == 2
    assert len(read_snapshot(snapshot)) == 3  # the old one stays
    assert rows[1].id in new.with_name(f"{new.name}-by-hand.jsonl").read_text()


def test_a_policy_keeps_its_comments_and_gets_its_own_version(codes: TaxonomyMap) -> None:
    text = POLICY_PATH.read_text(encoding="utf-8")
    plain = codes.model_copy(update={"codes": {"B12.01": "B12.02", "B12": "B13"}})
    converted = convert_policy(text, plain, "1.3.0")
    assert 'version: "1.3.0"' in converted
    assert "    B12.02: credit_card" in converted
    assert "    B13: collections" in converted
    assert "# a life; money that may still be stopped" in converted
    split = codes.model_copy(update={"codes": {"P01": ("P01", "P02")}})
    with pytest.raises(TaxonomyError, match=r"a person must decide, in lines \d+ \(P01\)"):
        convert_policy(text, split, "1.3.0")


def test_figures_of_merged_codes_are_added_up(codes: TaxonomyMap) -> None:
    report = "month,code,cases,overdue\n2026-10,B03A.05,7,1\n2026-10,B03A.01,5,0\n2026-11,B03A.05,2,0\n"
    assert convert_report(report, codes, column="code") == (
        "month,code,cases,overdue\n2026-10,B03A.01,12,1\n2026-11,B03A.01,2,0\n"
    )
    with pytest.raises(TaxonomyError, match=r"B09\.01 was split"):
        convert_report("code,cases\nB09.01,3\n", codes, column="code")


def test_a_map_to_unknown_codes_is_refused(taxonomy: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP.replace("B03A.01", "B77.01"))
    with pytest.raises(TaxonomyError, match=r"has no B77\.01"):
        TaxonomyMap.read(tmp_path / "map.yaml", taxonomy)
