"""Texts varied for training. In: labelled texts and a config's augmentation. Out: examples, other ones each epoch."""

from collections.abc import Callable, Sequence
from pathlib import Path

from data.augment import augment
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer
from training.config import TrainingConfig
from training.examples import Example, encode_example

FIRST_VIEW = 10_000  # far from the epochs' seeds


def varied_examples(
    texts: Sequence[LabelledText],
    tokenizer_file: Path,
    config: TrainingConfig,
    *,
    labels: LabelSpace,
    taxonomy: Taxonomy,
) -> Callable[[int], list[Example]]:
    """A function epoch → examples of all texts, each augmented by the config's kinds; the same for the same epoch."""
    tokenizer = TextTokenizer(tokenizer_file, config.train_tokens)
    kinds = {str(kind): share for kind, share in config.augmentation.items()}

    def examples(epoch: int) -> list[Example]:
        seed = config.seed + epoch
        return [
            encode_example(
                augment(text, seed=seed, others=texts, kinds=kinds),
                tokenizer=tokenizer,
                labels=labels,
                taxonomy=taxonomy,
            )
            for text in texts
        ]

    return examples


def fixed_views(
    texts: Sequence[LabelledText],
    tokenizer_file: Path,
    config: TrainingConfig,
    *,
    labels: LabelSpace,
    taxonomy: Taxonomy,
) -> list[list[Example]]:
    """The texts as they are, then the config's number of augmented forms, the same in every run of the config."""
    assert config.distillation is not None
    plain = config.model_copy(update={"augmentation": {}})
    forms = [varied_examples(texts, tokenizer_file, plain, labels=labels, taxonomy=taxonomy)(0)]
    vary = varied_examples(texts, tokenizer_file, config, labels=labels, taxonomy=taxonomy)
    return forms + [vary(FIRST_VIEW + number) for number in range(1, config.distillation.views)]
