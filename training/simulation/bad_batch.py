"""A bad batch meets the gate. In: the corpus. Out: what the gate says about a good candidate and a spoilt one.

Three bundles through the real pipeline: on 30 % of the training texts (it serves), with a batch of decisions of which
five in a hundred are wrong, and with the same batch from a campaign that went wrong: leaves drawn at random for a part,
flags never ticked. The network is a random two-layer encoder that learns little in two epochs; the lexical reading
beside it, fitted in seconds, does the work.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.dataset import corpus_lines
from data.splits import read_splits
from data.taxonomy import Taxonomy
from eval.gate_run import ask_gate
from eval.sets import Selection
from models.encoder import build_encoder, cache_folder
from models.label_space import parent
from models.promotion import add, promote
from models.registry import GateRecord, Registry
from training.config import TrainingConfig
from training.pipeline import train_bundle

START_SHARE, WRONG, SPOILT = 0.3, 0.05, 0.6
HELD_OUT = {"dev": 250, "calibration": 500, "test": 900}
CONFIG = """
name: simulated
encoder: {{source: {encoder}}}
optimizer: {{epochs: 1, batch_size: 32, encoder_rate: 1.0e-3, head_rate: 5.0e-3, bfloat16: false}}
train_tokens: 160
threads: 1
lexical: {{least_texts: 2}}
"""
Line = dict[str, Any]


def judge_batches(taxonomy: Taxonomy, run_folder: Path, *, batch: int, seed: int = 1) -> dict[str, GateRecord]:
    """Records of the good and the spoilt candidate; bundles that a former run finished are used again."""
    registry = Registry(run_folder / "models")
    for name, lines in _corpora(batch, seed).items():
        if name not in registry.names():
            _train(taxonomy, run_folder / name, lines, registry, name)
    if registry.current() is None:
        promote(registry, "serves", who="simulation", reason="the start", force=True)
    folder = run_folder / "serves"
    selection = Selection(splits=("test",), texts_folder=folder / "texts", splits_file=folder / "splits.tsv")
    return {name: ask_gate(registry, name, selection=selection) for name in ("good", "spoilt")}


def _corpora(batch: int, seed: int) -> dict[str, list[tuple[Line, str]]]:
    """Name of the bundle → corpus lines with their splits."""
    splits = read_splits()
    lines: dict[str, list[Line]] = {"train": [], **{name: [] for name in HELD_OUT}}
    for _, line in corpus_lines(Path(__file__).parents[2] / "data" / "corpus" / "texts"):
        if splits.get(line["id"]) in lines:
            lines[splits[line["id"]]].append(line)
    held_out = [(line, name) for name, number in HELD_OUT.items() for line in _some(lines[name], number, seed)]
    start = _some(lines["train"], round(START_SHARE * len(lines["train"])), seed)
    known = {line["id"] for line in start}
    decided = _some([line for line in lines["train"] if line["id"] not in known], batch, seed)
    good, spoilt = list(_misread(decided, lines["train"], WRONG, seed)), list(_spoil(decided, lines["train"], seed))
    parts = {"serves": start, "good": [*start, *good], "spoilt": [*start, *spoilt]}
    return {name: [*((line, "train") for line in part), *held_out] for name, part in parts.items()}


def _some(lines: Sequence[Line], number: int, seed: int) -> list[Line]:
    picked = np.random.default_rng(seed).permutation(len(lines))[:number]
    return [lines[i] for i in sorted(picked)]


def _misread(lines: Sequence[Line], pool: Sequence[Line], share: float, seed: int) -> Iterator[Line]:
    random = np.random.default_rng(seed)
    leaves = [line["leaf"] for line in pool if line.get("leaf")]
    for line in lines:
        wrong = line.get("leaf") and random.random() < share
        yield {**line, "leaf": _other(leaves, line["leaf"], random)} if wrong else line


def _spoil(lines: Sequence[Line], pool: Sequence[Line], seed: int) -> Iterator[Line]:
    for line in _misread(lines, pool, SPOILT, seed):
        evidence = {
            code: quotes for code, quotes in line.get("evidence", {}).items() if code not in line.get("flags", [])
        }
        yield {**line, "flags": [], "evidence": evidence}


def _other(leaves: Sequence[str], given: str, random: np.random.Generator) -> str:
    while parent(leaf := str(random.choice(leaves))) == parent(given):
        pass
    return leaf


def _train(taxonomy: Taxonomy, folder: Path, lines: Sequence[tuple[Line, str]], registry: Registry, name: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "texts").mkdir(parents=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line, _ in lines)
    (folder / "texts" / "all.jsonl").write_text(text, encoding="utf-8")
    (folder / "splits.tsv").write_text("".join(f"{line['id']}\t{split}\n" for line, split in lines), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(encoder=_small_encoder(taxonomy, folder)), encoding="utf-8")
    train_bundle(
        TrainingConfig.read(config),
        run_folder=folder / "run",
        output=folder / name,
        texts_folder=folder / "texts",
        splits_file=folder / "splits.tsv",
    )
    add(registry, folder / name)


def _small_encoder(taxonomy: Taxonomy, folder: Path) -> Path:
    """A random two-layer BERT with the real tokenizer."""
    import torch
    from transformers import AutoConfig, BertConfig, BertModel

    real = build_encoder(taxonomy, cache_folder())
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=AutoConfig.from_pretrained(real).vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=1,
    )
    target = folder / "encoder"
    BertModel(config, add_pooling_layer=False).save_pretrained(target)
    (target / "tokenizer.json").write_bytes((real / "tokenizer.json").read_bytes())
    return target
