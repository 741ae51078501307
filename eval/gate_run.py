"""Ask the gate about a candidate. In: a registry, a candidate's name, texts. Out: the record, kept in the registry."""

from pathlib import Path

from data.errors import RegistryError
from data.taxonomy import Taxonomy, default_taxonomy
from eval.against import answer_pair
from eval.gate import RULES_FILE, GateRules, judge
from eval.sets import Selection, read_chosen
from models.bundle import load_bundle
from models.predictor import Predictor
from models.promotion import keep_gate_record
from models.registry import GateRecord, Registry


def ask_gate(
    registry: Registry,
    name: str,
    *,
    selection: Selection,
    rules_file: Path = RULES_FILE,
    taxonomy: Taxonomy | None = None,
) -> GateRecord:
    """Both models answer the chosen texts. Raises RegistryError, BundleError, CorpusError, SettingsError."""
    rules, taxonomy = GateRules.read(rules_file), taxonomy or default_taxonomy()
    current_name = registry.current()
    if current_name is None:
        raise RegistryError(f"no model serves in {registry.folder}; the first one is promoted with --force --reason")
    candidate, current = (Predictor(load_bundle(registry.folder_of(one)), taxonomy) for one in (name, current_name))
    pairs = [answer_pair(labelled, candidate, current) for labelled in read_chosen(selection, taxonomy)]
    record = judge(pairs, candidate.bundle, current.bundle, rules=rules, registry=registry, rules_file=rules_file)
    keep_gate_record(registry, record)
    return record
