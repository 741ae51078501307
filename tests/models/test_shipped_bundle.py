"""Golden cases on the bundle that ships: plain matters that no good model may miss."""

import pytest

from models.bundle import current_bundle_folder
from models.predictor import Predictor

GOLDEN = [
    ("信用卡被盗刷了8600元，卡一直在我身上，短信显示境外消费，马上给我止付！", "B03B", "C10", {"E07"}),
    ("催收天天打电话骂人，还打给我爸妈和单位同事，说我欠信用卡不还。", "B12", "C12", {"P06"}),
    ("我妈去存定期，理财经理让她买了保险，说保本收益高，现在退保要亏两万。", "B10", "C04", {"S01"}),
    ("在你们的取款机上取钱，机器死机，卡被吞了。", "B03A", "C02", set()),
    ("手机银行一打开就闪退，更新了也登录不上去。", "B99", "C02", set()),
    ("房贷提前还款，预约排到三个月以后，还说系统没有名额。", "B02", "C03", set()),
]


@pytest.mark.parametrize(("text", "category", "cause", "flags"), GOLDEN)
def test_golden_complaint(shipped_predictor: Predictor, text: str, category: str, cause: str, flags: set[str]) -> None:
    answer = shipped_predictor.triage([text])[0]
    assert answer.order_type.code == "complaint"
    assert answer.category is not None
    assert answer.cause is not None
    assert (answer.category.code, answer.cause.code) == (category, cause)
    assert flags <= {flag.code for flag in answer.flags}
    assert answer.cause.evidence


def test_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in current_bundle_folder().iterdir()) <= 20_000_000
