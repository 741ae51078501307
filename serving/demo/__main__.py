"""Fill a store with a fictional bank. In: a checkout with the corpus, an empty data folder. Out: 300 cases, two years.

    XIAOBAO_ENVIRONMENT=development XIAOBAO_DATA_FOLDER=.xiaobao/demo python -m serving.demo

`make demo` does this and starts the service. A bank that is there already is left alone; `--again` makes it anew.
"""

from datetime import UTC, datetime

import click

from data.dataset import read_corpus
from data.errors import XiaobaoError
from data.splits import read_splits
from data.store.migration import migrate
from data.store.unit_of_work import open_store
from data.taxonomy import default_taxonomy
from models.predictor import Predictor
from serving.demo.bank import PASSWORD, PEOPLE, found
from serving.demo.history import History, MovedClock
from serving.demo.plan import DAYS, plan
from serving.settings import Settings, load_store_settings

CASES = 300


@click.command()
@click.option("--cases", type=click.IntRange(20, 5000), default=CASES, show_default=True, help="How many complaints.")
@click.option("--again", is_flag=True, help="Delete the demo bank of this folder and make it anew.")
def main(cases: int, again: bool) -> None:
    """Make a fictional bank to look at."""
    try:
        settings = load_store_settings()
        file = settings.data_folder / "xiaobao.db"
        if file.exists() and not again:
            click.echo(f"the bank in {settings.data_folder} is there already; --again makes it anew")
        else:
            make_bank(settings, cases=cases, again=again)
    except XiaobaoError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"sign in at /console with one of {', '.join(login for login, *_ in PEOPLE)}; password: {PASSWORD}")


def make_bank(settings: Settings, *, cases: int, again: bool) -> None:
    """Raises SettingsError, StoreError, CorpusError; refuses what is no SQLite file of a development folder."""
    if not settings.is_development or settings.database_url is not None:
        raise click.ClickException(
            "a demo bank is made in development and in SQLite; set XIAOBAO_ENVIRONMENT=development"
        )
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    for old in settings.data_folder.glob("xiaobao.db*") if again else ():
        old.unlink()
    migrate(settings.database)
    now = datetime.now(UTC)
    splits = read_splits()
    unseen = [text for text in read_corpus(default_taxonomy()) if splits.get(text.id) != "train"]
    planned = plan(unseen, cases=cases, now=now)
    clock = MovedClock(planned[0].received_at)
    store = open_store(settings.database, settings.read_master_keys(), book=settings.read_policies(), now=clock)
    found(store)
    history = History(store=store, predictor=Predictor.load(settings.bundle), clock=clock, until=now)
    for done, at in enumerate(history.run(planned), start=1):
        if done % 100 == 0:
            click.echo(f"\r{done} steps, {at:%Y-%m-%d}", nl=False, err=True)
    store.close()
    click.echo(f"\r{cases} complaints of {DAYS} days are stored", err=True)
    for code, count in sorted(history.refused.items()):
        click.echo(f"{count} steps were refused: {code}", err=True)


if __name__ == "__main__":
    main()
