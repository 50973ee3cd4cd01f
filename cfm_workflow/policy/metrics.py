"""The metrics of feedback and their scales: one table. Pure."""

from collections.abc import Mapping
from typing import Final

SCALES: Final = {
    "nps":  (0, 10),  # Net Promoter Score
    "csat": (1, 5),   # customer satisfaction
    "ces":  (1, 7),   # customer effort score
    "gcr":  (0, 1),   # goal completion rate: reached or not
}  # fmt: skip


def misfit(metric: str | None, score: int | None) -> str | None:
    """What is wrong with a score of this metric; None when nothing is."""
    if score is None:
        return None
    if metric is None:
        return "needs a metric"
    low, high = SCALES[metric]
    return None if low <= score <= high else f"must be from {low} to {high} for {metric}"


def result(metric: str, counts: Mapping[int, int]) -> float | None:
    """What scores of one metric come to, from how often each was given; None of nothing.

    NPS: per cent of 9 and 10 less per cent of 0 to 6. CSAT: per cent of 4 and 5. CES: the mean. GCR: per cent of 1.
    """
    n = sum(counts.values())
    if not n:
        return None
    if metric == "ces":
        return round(sum(score * count for score, count in counts.items()) / n, 2)
    good = sum(count for score, count in counts.items() if score >= _GOOD[metric])
    bad = sum(count for score, count in counts.items() if score <= 6) if metric == "nps" else 0
    return round(100 * (good - bad) / n, 1)


_GOOD: Final = {"nps": 9, "csat": 4, "gcr": 1}
