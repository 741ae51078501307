"""A small fictional bank for the console's tests: units, people with passwords, two dozen complaints.

Complaints are triaged by the given predictor and stored by `serving.intake`, so that answers, evidence and clocks are
real.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher

from data.store.scope import ROOT
from data.store.unit_of_work import Store
from models.predictor import Predictor
from serving.access.permissions import PERMISSIONS_OF_ROLE
from serving.access.principal import Principal
from serving.api.requests import TriageRequest
from serving.intake import Complaint, keep

PASSWORD = "correct horse battery"
UNITS = (
    ("head", "总行", None),
    ("east", "东城分行", "head"),
    ("east-1", "东城分行营业部", "east"),
    ("west", "西城分行", "head"),
)
PEOPLE = (
    ("zhou", "周敏", "supervisor", "east"),
    ("lin", "林远", "supervisor", "east"),
    ("wu", "吴桐", "handler", "east"),
    ("he", "何川", "supervisor", "west"),
    ("tan", "谭青", "auditor", "head"),
    ("shen", "沈舟", "admin", "head"),
    ("gu", "顾宁", "compliance", "head"),
    ("jin", "金悦", "engineer", "head"),
)
HOTLINE = Principal(
    id="hotline", kind="key", role="system", permissions=PERMISSIONS_OF_ROLE["system"], unit_id="east", unit_path=ROOT,
    source_system="hotline",
)  # fmt: skip

# Days since receipt, branch, source, customer, text.
COMPLAINTS: Sequence[tuple[float, str, str, str, str]] = (
    (
        0.1, "east", "hotline", "K1",
        "我昨天接到自称你们客服的电话，报出我的姓名和卡号，让我共享屏幕，刚刚被转走五万元，能不能"
        "马上止付！手机13800138000。",
    ),
    (
        19.0, "east-1", "counter", "K2",
        "我母亲78岁，去网点存定期，客户经理说这个产品保本保息、利息比定期高，回家才发现是保险，"
        "要五年才能取，我要求全额退还，不然打12378投诉。",
    ),
    (
        14.2, "east", "nfra", "K3",
        "催收一天打二十几个电话，还打给我父母和单位领导，说我欠钱不还，把金额都说了，我已经快被逼"
        "得活不下去了。",
    ),
    (
        12.8, "east", "hotline", "K4",
        "信用卡年费去年说首年免，今年直接扣了三百六十元，客服每次说法都不一样，要求退还年费并书面"
        "答复。",
    ),
    (
        6.0, "east-1", "web", "K5",
        "在你们手机银行还房贷，系统扣了两次款，客服说三天退，现在一周了没有退，问了四次都让等。",
    ),
    (
        5.0, "east", "hotline", "K6",
        "征信报告上有你行一条贷后管理查询，我从来没有在你们银行办过贷款，要求解释并删除。",
    ),
    (
        4.0, "west", "hotline", "K7",
        "西城分行柜台排队两个小时，只开一个窗口，大堂经理态度恶劣，说嫌慢就去别家。",
    ),
    (
        4.5, "east", "12345", "K8",
        "市民反映办工资卡时被夹带开通了理财和短信服务并自动扣费，要求退费并处理相关人员。",
    ),
    (
        3.0, "east-1", "hotline", "K9",
        "客户来电核实提前还款申请进度，已提交十五天，短信说五个工作日内答复，至今没有消息。",
    ),
    (
        2.5, "east", "hotline", "K1",
        "上次反映的电信诈骗的事情还没人回复，卡里剩下的钱也不敢动，请尽快联系我。",
    ),
    (
        2.0, "east", "media", "K10",
        "我们几十个人买了同一个理财，到期兑付不了，理财经理也联系不上了，已经建了维权群，准备去找"
        "电视台。",
    ),
    (
        1.5, "east", "hotline", "K11",
        "ATM取款两千元，机器没有吐钞但是扣账了，当场打客服说要等四十八小时。",
    ),
    (
        1.2, "east-1", "counter", "K12",
        "贷款必须买一份意外险才给放款，两万多保费直接从贷款里扣，合同也没给我看。",
    ),
    (
        1.0, "east", "hotline", "K13",
        "多次说明不要再给我打营销电话，仍然每天接到贷款推销，严重影响生活。",
    ),
    (
        0.9, "east", "web", "K14",
        "想问一下你们的大额存单现在利率是多少，怎么预约？",
    ),
    (
        0.8, "east", "hotline", "K15",
        "手机银行转账提示系统繁忙，但是钱已经扣了，对方没有收到，金额八千元。",
    ),
    (
        0.7, "east-1", "hotline", "K16",
        "信用卡被盗刷三笔共一万二，都是境外交易，卡一直在我身上，要求撤销交易。",
    ),
    (
        0.6, "east", "mail", "K17",
        "委托代理人李某现就信用卡协商分期事宜投诉，要求贵行按政策停息挂账，否则逐级举报。",
    ),
    (
        0.5, "east", "mail", "K18",
        "委托代理人王某现就信用卡协商分期事宜投诉，要求贵行按政策停息挂账，否则逐级举报。",
    ),
    (
        0.4, "west", "counter", "K19",
        "西城分行理财经理让我在风险测评上按她说的填，买的基金亏了十几万。",
    ),
    (
        0.3, "east", "hotline", "K20",
        "表扬东城分行营业部的小陈，帮我母亲耐心办理社保卡激活，服务特别好。",
    ),
    (
        0.25, "east", "hotline", "K21",
        "房贷利率调整后我的没有变，打客服说要等到明年，和公告说的不一样。",
    ),
    (
        0.2, "east-1", "hotline", "K22",
        "账户突然被限制非柜面交易，没有任何通知，工资取不出来，孩子等着交学费。",
    ),
)  # fmt: skip


def found_bank(store: Store) -> None:
    """Units and people; all have the same password."""
    # A cheap hash: what a real one costs is no subject here, and dozens of people sign in.
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with store.writing() as work:
        for unit_id, name, parent in UNITS:
            work.units.add(unit_id, name=name, parent_id=parent, within=ROOT)
        for login, name, role, unit_id in PEOPLE:
            user = work.users.add(login=login, name=name, role=role, unit_id=unit_id, within=ROOT)
            work.sign_in.set_password(user.id, hashed, actor_id="test", within=ROOT)


def put_complaint(
    store: Store,
    predictor: Predictor,
    text: str,
    *,
    unit: str = "east",
    source: str = "hotline",
    customer: str | None = None,
    received_at: datetime | None = None,
) -> str:
    """The number of a new case."""
    item = predictor.prepare(text)
    [inference] = predictor.infer([item])
    body = TriageRequest.model_validate(
        {
            "text": text,
            "source": source,
            "branch": unit,
            "customer_ref": customer,
            "received_at": received_at and received_at.isoformat(timespec="seconds"),
        }
    )
    answer = predictor.answer(item, inference, full=True)
    kept = keep(store, Complaint(body=body, item=item, answer=answer), HOTLINE)
    assert kept.case is not None
    return kept.case.id


def put_all(store: Store, predictor: Predictor) -> list[str]:
    """Numbers of all of `COMPLAINTS`, in their order."""
    with store.reading() as work:
        now = work.now()
    return [
        put_complaint(
            store, predictor, text, unit=unit, source=source, customer=customer, received_at=now - timedelta(days=days)
        )
        for days, unit, source, customer, text in COMPLAINTS
    ]
