"""The same predictor on a Ray cluster. In: a file, a bundle, an address. Out: a folder of whole partitions.

    one reader ── rows, a partition each ──> actors, each with one ONNX session ──> folders of partitions
      (streamed; waits while the actors are busy)          (a dead one is replaced, its partition done again)

All nodes need this version of xiaobao with the extra `ray`, the bundle under the same path, and the folders of input
and output under the same paths. A run that was killed goes on where it was when it is started again.
"""

import json
import logging
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from data.errors import BundleError, ClusterError, InputFileError, XiaobaoError
from data.policy.schema import Policy
from models.bundle import Bundle, seal_of
from models.predictor import Predictor
from serving.cluster.partitions import Rows, finished, split, sweep, write_manifest, write_partition
from serving.cluster.plan import LOCK, RunPlan, begin, plan_of
from serving.inference.cores import usable_cores
from serving.input_rows import Row, RowProblem, read_rows

PARTITION_ROWS = 2_000
# The object store of a run without a cluster: it holds a few partitions, a text is a kilobyte.
OBJECT_STORE_BYTES = 256 << 20
START_SECONDS = "180"
"""Ray gives itself thirty, which a busy machine exceeds."""
KINDS: dict[str, type[Row] | type[RowProblem]] = {"row": Row, "problem": RowProblem}


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    done: int
    failed: int
    partitions: int
    found: int
    """Partitions that an earlier run had finished."""


class PartitionTriage:
    """An actor: one session for its whole life."""

    def __init__(self, bundle_folder: str, policy: Policy, output_folder: str, plan: RunPlan) -> None:
        self._predictor = Predictor.load(Path(bundle_folder), policy=policy)
        found = seal_of(self._predictor.bundle.folder)
        if found != plan.bundle_sha256:
            raise BundleError(f"this node's bundle in {Path(bundle_folder).name} is not the run's {plan.bundle}")
        self._folder, self._ending = Path(output_folder), plan.format

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        number, rows = int(batch["number"][0]), _unpacked(batch["rows"][0])
        record = write_partition(self._predictor, self._folder, number, rows, ending=self._ending)
        return {"number": [record.number], "rows": [record.answers + record.problems]}


def predict_on_ray(
    bundle: Bundle,
    policy: Policy,
    input_file: Path,
    output_folder: Path,
    *,
    address: str | None = None,
    workers: int | None = None,
    partition_rows: int = PARTITION_ROWS,
) -> RunOutcome:
    """Triage every row on `workers` actors; without an address on a cluster of this machine alone, for this run.

    Raises InputFileError, BundleError, ClusterError.
    """
    next(iter(read_rows(input_file)), None)  # refuses a file without a text before anything is started
    plan = plan_of(input_file, output_folder, bundle, policy=policy.version, partition_rows=partition_rows)
    output_folder.mkdir(exist_ok=True)
    count = workers or usable_cores()
    with _alone(output_folder):
        begin(output_folder, plan)
        sweep(output_folder)
        before = finished(output_folder)
        arguments = (str(bundle.folder.resolve()), policy, str(output_folder.resolve()), plan)
        with _cluster(address, count):
            _run(input_file.resolve(), arguments, workers=count, size=partition_rows, done=frozenset(before))
        sweep(output_folder)
        records = finished(output_folder)
        _check_whole(records.keys())
        write_manifest(output_folder, records.values())
    return RunOutcome(
        done=sum(record.answers for record in records.values()),
        failed=sum(record.problems for record in records.values()),
        partitions=len(records),
        found=len(before),
    )


def _run(input_file: Path, arguments: tuple[Any, ...], *, workers: int, size: int, done: Collection[int]) -> None:
    """Stream the partitions through the actors; Ray starts a new one for each that dies. Raises what reading raises."""
    import ray
    from ray.data import ActorPoolStrategy

    # Reading must not wait for a core that an actor has.
    source = ray.data.read_datasource(_source(input_file, size, done), override_num_blocks=1, num_cpus=0)
    results = source.map_batches(
        PartitionTriage,
        fn_constructor_args=arguments,
        batch_size=1,
        batch_format="numpy",
        compute=ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
    )
    try:
        with tqdm(desc="triage", unit="text") as bar:
            for result in results.iter_rows():
                bar.update(int(result["rows"]))
    except Exception as error:
        raise _told(error) from None


def _source(input_file: Path, size: int, done: Collection[int]) -> Any:
    """A datasource of one reader, which gives each partition as a block of one row."""
    import pyarrow as arrow
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    def blocks() -> Iterator[Any]:
        for number, rows in split(read_rows(input_file), size=size, done=done):
            yield arrow.table({"number": [number], "rows": [_packed(rows)]})

    class Partitions(Datasource):  # type: ignore[misc]
        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            return [ReadTask(blocks, BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None))]

        def estimate_inmemory_data_size(self) -> None:
            return None

    return Partitions()


@contextmanager
def _cluster(address: str | None, workers: int) -> Iterator[None]:
    """Connected to a cluster, or to one of this machine alone that ends with the block."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", START_SECONDS)
    try:
        import ray
    except ImportError:
        raise ClusterError("--engine ray needs its extra; pip install 'xiaobao[ray]'") from None
    alone = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else alone))
    except Exception as error:  # Ray raises many kinds, a bare Exception where its node does not start in time
        raise ClusterError(f"no Ray cluster at {address or 'this machine'}: {type(error).__name__}") from None
    try:
        context = ray.data.DataContext.get_current()
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context.target_max_block_size = 1  # a block a partition: a lost worker costs what it had in hand, no more
        context.enable_progress_bars = context.print_on_execution_start = False
        yield
    finally:
        ray.shutdown()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs in one folder would sweep away each other's work."""
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise InputFileError(f"another run is at work in {folder.name}; wait for its end") from None


def _check_whole(numbers: Collection[int]) -> None:
    missing = sorted(set(range(max(numbers, default=-1) + 1)) - set(numbers))
    if missing:
        raise ClusterError(f"partition {missing[0]} and {len(missing) - 1} others are missing; run the command again")


def _told(error: Exception) -> XiaobaoError:
    """The error of ours that a worker raised, else its kind: a message of another could quote a text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, XiaobaoError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return ClusterError(f"the run on Ray failed ({type(error).__name__}); what is done is kept, run the command again")


def _packed(rows: Rows) -> bytes:
    kinds = {cls: kind for kind, cls in KINDS.items()}
    return json.dumps([[kinds[type(row)], asdict(row)] for row in rows]).encode()


def _unpacked(packed: bytes) -> list[Row | RowProblem]:
    return [KINDS[kind](**values) for kind, values in json.loads(packed)]
