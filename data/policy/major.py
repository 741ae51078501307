"""Whether a complaint is 重大. In: counts and the regulator's mark. Out: the codes of the rules that say so."""

from data.policy.schema import Policy


def major_reasons(
    policy: Policy,
    *,
    persons_together: int = 1,
    cases_of_same_product_and_branch: int = 1,
    is_marked_by_regulator: bool = False,
) -> tuple[str, ...]:
    """Codes of the rules met; none means it is not 重大.

    The cases are those of `policy.major.same_product_and_branch.days` days up to this one, which counts itself.
    """
    rules = policy.major
    met = {
        rules.persons_together.code: persons_together >= rules.persons_together.persons,
        rules.same_product_and_branch.code: cases_of_same_product_and_branch >= rules.same_product_and_branch.cases,
        rules.regulator_mark.code: is_marked_by_regulator and rules.regulator_mark.counts,
    }
    return tuple(code for code, is_met in met.items() if is_met)
