"""A fictional bank: units, people, a hotline. In: an empty store. Out: the same with an organisation in it."""

from argon2 import PasswordHasher

from data.store.api_keys import NewApiKey
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.access.look_up import of_key
from serving.access.permissions import OF_PERSONS, PERMISSIONS_OF_ROLE
from serving.access.principal import Principal
from serving.administration import create_key

PASSWORD = "xiaobao demo 2026"
UNITS = (
    ("head", "总行", None),
    ("linjiang", "临江分行", "head"),
    ("linjiang-1", "临江分行营业部", "linjiang"),
    ("linjiang-2", "临江古渡支行", "linjiang"),
    ("yunshan", "云山分行", "head"),
    ("yunshan-1", "云山分行营业部", "yunshan"),
    ("yunshan-2", "云山茶市支行", "yunshan"),
    ("haiwan", "海湾分行", "head"),
    ("haiwan-1", "海湾灯塔支行", "haiwan"),
)
REGIONS = {"linjiang": "临江市", "yunshan": "云山市", "haiwan": "海湾市"}
# Login, name, role, unit. Every branch has two who decide, so that four eyes are there.
PEOPLE = (
    ("qin", "秦主任", "supervisor", "head"),
    ("he", "何合规", "compliance", "head"),
    ("shen", "沈审计", "auditor", "head"),
    ("admin", "管理员", "admin", "head"),
    ("lu", "陆主管", "supervisor", "linjiang"),
    ("jiang", "江主管", "supervisor", "linjiang"),
    ("tao", "陶经办", "handler", "linjiang"),
    ("yun", "云主管", "supervisor", "yunshan"),
    ("mu", "穆经办", "handler", "yunshan"),
    ("fan", "范主管", "supervisor", "haiwan"),
    ("bei", "贝经办", "handler", "haiwan"),
)
BRANCHES = tuple(unit_id for unit_id, _, parent in UNITS if parent == "head")
HOTLINE = "hotline"
"""The source system of the bank's one key, under which complaints come in."""


def outlets(branch: str) -> tuple[str, ...]:
    """The branch itself and the outlets below it."""
    return (branch, *(unit_id for unit_id, _, parent in UNITS if parent == branch))


def found(store: Store) -> None:
    """Units, people, all with the same password, and the hotline's key."""
    hashed = PasswordHasher().hash(PASSWORD)
    with store.writing() as work:
        for unit_id, name, parent in UNITS:
            work.units.add(unit_id, name=name, parent_id=parent, within=ROOT)
        for login, name, role, unit_id in PEOPLE:
            user = work.users.add(login=login, name=name, role=role, unit_id=unit_id, within=ROOT)
            work.sign_in.set_password(user.id, hashed, actor_id="cli:demo", within=ROOT)
        hotline = NewApiKey(
            name="客服热线系统",
            source_system=HOTLINE,
            role="system",
            unit_id="head",
            scopes=sorted(PERMISSIONS_OF_ROLE["system"] - OF_PERSONS),
        )
        create_key(work, hotline, actor_id="cli:demo", within=ROOT)


def people_of(store: Store) -> dict[str, dict[str, str]]:
    """Branch → login → user's id of those who may decide there; the head office's own under `head`."""
    with store.reading() as work:
        ids = {login: work.users.by_login(login, within=ROOT).id for login, *_ in PEOPLE}
    deciding = [person for person in PEOPLE if person[2] in ("supervisor", "handler")]
    return {unit: {login: ids[login] for login, _, _, home in deciding if home == unit} for unit in ("head", *BRANCHES)}


def hotline_of(store: Store) -> Principal:
    """The hotline's system, as its key would open the API."""
    with store.reading() as work:
        [key] = [key for key in work.api_keys.all(within=ROOT) if key.source_system == HOTLINE]
        return of_key(key, work.units.get(key.unit_id, within=ROOT).path)
