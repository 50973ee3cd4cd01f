"""The metrics of feedback and their scales: one table. Pure."""

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
