"""The peer most people would build: FastAPI and a transformers pipeline on PyTorch fp32. In: a port. Out: a service.

    python -m eval.peers.pipeline_service --port 8001 [--bundle FOLDER] [--weights model.safetensors]

The same network as the bundle's (its shape read from `training.yaml` and the tokenizer), without the lexical reading
that stands beside it there, all heads computed, one pipeline call per request in a sync endpoint. A bundle holds only
the int8 graph, so weights are random unless `--weights` gives real ones: how fast a matrix product is does not depend
on the values in it. Needs the extra `train`.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerFast, TextClassificationPipeline
from transformers.modeling_outputs import SequenceClassifierOutput

from models.bundle import Bundle, current_bundle_folder, load_bundle
from models.classifier import ComplaintClassifier
from models.label_space import LabelSpace

# multilingual-e5-small, from which every encoder here is cut (models/encoder.py).
HIDDEN, HEADS, FEED_FORWARD, POSITIONS = 384, 12, 1536, 512


class Complaint(BaseModel):
    text: str


class LeafClassifier(PreTrainedModel):
    """The classifier as transformers' text classification knows models: its logits are those of the leaves."""

    config_class = BertConfig

    def __init__(self, config: BertConfig, labels: LabelSpace) -> None:
        super().__init__(config)
        self.classifier = ComplaintClassifier(BertModel(config, add_pooling_layer=False), labels)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_ignored: Any
    ) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.classifier(input_ids, attention_mask)[1])


def build_pipeline(bundle: Bundle, weights: Path | None) -> TextClassificationPipeline:
    """A pipeline of the bundle's shape."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(bundle.tokenizer_file), model_max_length=bundle.max_tokens, pad_token="<pad>"
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        num_hidden_layers=number_of_layers(bundle),
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
        max_position_embeddings=POSITIONS,
        id2label=dict(enumerate(bundle.labels.leaf)),
        label2id={code: i for i, code in enumerate(bundle.labels.leaf)},
    )
    model = LeafClassifier(config, bundle.labels).eval()
    if weights is not None:
        from safetensors.torch import load_file

        model.classifier.load_state_dict(load_file(weights))
    return TextClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")


def number_of_layers(bundle: Bundle) -> int:
    """Layers of the bundle's encoder, from the graph: each has one feed-forward activation."""
    import onnx

    graph = onnx.load(bundle.model_file).graph
    return sum(node.op_type in ("Gelu", "Erf") for node in graph.node)


def create_service(bundle: Bundle, weights: Path | None) -> FastAPI:
    """One route, as in the tutorials."""
    pipeline, app = build_pipeline(bundle, weights), FastAPI()

    @app.post("/predict")
    def predict(complaint: Complaint) -> Any:
        return pipeline(complaint.text, truncation=True)

    return app


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--weights", type=Path, default=None)
    options = parser.parse_args()
    bundle = load_bundle(options.bundle or current_bundle_folder())
    uvicorn.run(create_service(bundle, options.weights), port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
