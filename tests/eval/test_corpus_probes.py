"""A corpus that gives its labels away is found out."""

from dataclasses import replace

from data.schema import LabelledText
from eval.corpus_probes import diversity, probe_labels


def test_the_committed_corpus_does_not_give_its_labels_away(shipped_corpus: tuple[LabelledText, ...]) -> None:
    assert [probe.facet for probe in probe_labels(shipped_corpus) if not probe.is_good] == []


def test_a_writer_with_one_subject_is_found(shipped_corpus: tuple[LabelledText, ...]) -> None:
    texts = [replace(text, writer=text.category or "none") for text in shipped_corpus[:300]]
    assert not probe_labels(texts)[0].is_good


def test_repeated_wording_is_found(shipped_corpus: tuple[LabelledText, ...]) -> None:
    texts = shipped_corpus[:600]
    copies = [replace(text, text=texts[i % 5].text) for i, text in enumerate(texts)]
    assert not any(share.is_good for share in diversity([*texts, *copies]))
