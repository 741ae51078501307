"""Texts varied for training. In: a config's augmentation and the inputs. Out: training examples, others each epoch."""

from collections.abc import Callable

from data.augment import augment
from training.config import TrainingConfig
from training.examples import Example
from training.inputs import TrainingInputs

FIRST_VIEW = 10_000  # far from the epochs' seeds


def varied_examples(config: TrainingConfig, inputs: TrainingInputs) -> Callable[[int], list[Example]]:
    """A function epoch → training examples, each text augmented by the config's kinds; the same for the same epoch."""
    texts = inputs.splits["train"]
    kinds = {str(kind): share for kind, share in config.augmentation.items()}

    def examples(epoch: int) -> list[Example]:
        seed = config.seed + epoch
        varied = (augment(text, seed=seed, others=texts, kinds=kinds) for text in texts)
        return inputs.encode(varied, config.train_tokens)

    return examples


def fixed_views(config: TrainingConfig, inputs: TrainingInputs) -> list[list[Example]]:
    """The training texts as they are, then the config's number of augmented forms, the same in every run."""
    assert config.distillation is not None
    vary = varied_examples(config, inputs)
    augmented = [vary(FIRST_VIEW + number) for number in range(1, config.distillation.views)]
    return [inputs.examples("train", config), *augmented]
