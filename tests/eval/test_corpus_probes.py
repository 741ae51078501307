"""A corpus that gives its labels away is found out."""

from dataclasses import replace

from data.dataset import read_corpus
from data.taxonomy import Taxonomy
from eval.corpus_probes import diversity, probe_labels


def test_the_committed_corpus_does_not_give_its_labels_away(taxonomy: Taxonomy) -> None:
    assert [probe.facet for probe in probe_labels(read_corpus(taxonomy)) if not probe.is_good] == []


def test_a_writer_with_one_subject_is_found(taxonomy: Taxonomy) -> None:
    texts = [replace(text, writer=text.category or "none") for text in read_corpus(taxonomy)[:300]]
    assert not probe_labels(texts)[0].is_good


def test_repeated_wording_is_found(taxonomy: Taxonomy) -> None:
    texts = read_corpus(taxonomy)[:600]
    copies = [replace(text, text=texts[i % 5].text) for i, text in enumerate(texts)]
    assert not any(share.is_good for share in diversity([*texts, *copies]))
