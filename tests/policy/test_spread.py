"""Claims about durations counted in buckets."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy import spread

DURATIONS = st.integers(1, 40 * 365 * 86400).map(lambda seconds: timedelta(seconds=seconds))


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.sampled_from([0.5, 0.9]))
def test_a_quantile_is_within_five_per_cent_of_the_one_it_stands_for(took: list[timedelta], share: float) -> None:
    exact = sorted(took)[max(0, -(-int(share * 10) * len(took) // 10) - 1)]

    told = spread.quantile(Counter(map(spread.bucket, took)), share)

    assert told is not None and abs(told / exact - 1) <= 0.05


def test_nothing_has_no_quantile_and_no_time_is_none() -> None:
    assert spread.quantile({}, 0.5) is None
    assert spread.quantile({spread.bucket(timedelta(0)): 3}, 0.9) == timedelta(0)
