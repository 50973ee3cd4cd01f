"""Two people who name each other as their deputy at the same instant: one of them is refused."""

from datetime import datetime, timedelta

from tests.concurrency.at_once import asking, at_once, statuses
from tests.world import World


def test_two_who_name_each_other_at_once_do_not_both_go(world: World, noon: datetime, rounds: int) -> None:
    pairs = ((world.alice, world.bob), (world.bob, world.alice))
    for n in range(rounds):
        start = noon + timedelta(days=n + 1)
        period = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
        answers = at_once(
            [
                asking(world, person, "POST", f"/users/{person.id}/absences", period | {"deputy": deputy.email})
                for person, deputy in pairs
            ]
        )
        assert statuses(answers) == [201, 422]


def test_one_who_asks_twice_at_once_is_away_once(world: World, noon: datetime) -> None:
    period = {"from": (noon + timedelta(days=1)).isoformat(), "to": (noon + timedelta(days=2)).isoformat()}
    ask = asking(world, world.alice, "POST", f"/users/{world.alice.id}/absences", period)
    assert statuses(at_once([ask] * 4)) == [201, 409, 409, 409]
