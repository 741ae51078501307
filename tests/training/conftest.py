"""The tiny corpus as training reads it."""

from pathlib import Path

import pytest

from training.config import TrainingConfig
from training.inputs import TrainingInputs


@pytest.fixture(scope="session")
def inputs(tiny_config: Path, tiny_corpus: Path) -> TrainingInputs:
    config = TrainingConfig.read(tiny_config)
    return TrainingInputs.read(config, texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv")
