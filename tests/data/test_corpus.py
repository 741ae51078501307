"""The committed corpus is fit to train on."""

import pytest

from data.corpus_check import CorpusReport, check_corpus
from data.schema import LabelledText
from data.splits import read_splits
from data.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def report(taxonomy: Taxonomy, shipped_corpus: tuple[LabelledText, ...]) -> CorpusReport:
    return check_corpus(shipped_corpus, read_splits(), taxonomy)


def test_no_faults(report: CorpusReport) -> None:
    assert report.faults == ()


def test_every_label_is_covered(report: CorpusReport) -> None:
    assert [line.what for line in report.coverage if line.found == 0] == []


def test_faults_are_found(taxonomy: Taxonomy, shipped_corpus: tuple[LabelledText, ...]) -> None:
    texts = shipped_corpus[:20]
    twice = [*texts, texts[0]]
    faults = check_corpus(twice, {}, taxonomy).faults
    assert f"id {texts[0].id} is given 2 times" in faults
    assert any("has no split" in fault for fault in faults)
