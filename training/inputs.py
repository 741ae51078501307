"""What every step of a run reads. In: the corpus and its splits. Out: texts by split, examples of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tqdm import tqdm

from data.dataset import TEXTS_FOLDER, read_corpus
from data.errors import CorpusError
from data.schema import LabelledText
from data.splits import SPLITS_FILE, read_splits
from data.taxonomy import Taxonomy, default_taxonomy
from models.encoder import encoder_folder
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer
from training.config import TrainingConfig
from training.examples import Example, encode_example


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    splits: Mapping[str, Sequence[LabelledText]]
    tokenizer_file: Path
    labels: LabelSpace
    taxonomy: Taxonomy

    @classmethod
    def read(
        cls,
        config: TrainingConfig,
        *,
        texts_folder: Path = TEXTS_FOLDER,
        splits_file: Path = SPLITS_FILE,
        taxonomy: Taxonomy | None = None,
    ) -> Self:
        """The corpus with its splits and the tokenizer of the config's encoder. Raises CorpusError, EncoderError."""
        taxonomy = taxonomy or default_taxonomy()
        return cls(
            splits=split_corpus(read_corpus(taxonomy, texts_folder), read_splits(splits_file)),
            tokenizer_file=encoder_folder(config.encoder.source, taxonomy) / "tokenizer.json",
            labels=LabelSpace.of(taxonomy),
            taxonomy=taxonomy,
        )

    def examples(self, split: str, config: TrainingConfig) -> list[Example]:
        """Examples of a split, cut at the length used while training."""
        return self.encode(tqdm(self.splits[split], desc=f"preparing {split}", leave=False), config.train_tokens)

    def encode(self, texts: Iterable[LabelledText], most_tokens: int) -> list[Example]:
        """Examples of any texts, cut at a number of pieces."""
        tokenizer = TextTokenizer(self.tokenizer_file, most_tokens)
        return [encode_example(text, tokenizer=tokenizer, labels=self.labels, taxonomy=self.taxonomy) for text in texts]


def split_corpus(texts: Sequence[LabelledText], splits: dict[str, str]) -> dict[str, list[LabelledText]]:
    """Texts by split. Raises CorpusError if a text has none."""
    lacking = [text.id for text in texts if text.id not in splits]
    if lacking:
        raise CorpusError(f"{len(lacking)} texts have no split (first: {lacking[0]}); run: xiaobao corpus split")
    result: dict[str, list[LabelledText]] = {"train": [], "dev": [], "calibration": [], "test": [], "test_writer": []}
    for text in texts:
        result[splits[text.id]].append(text)
    return result
