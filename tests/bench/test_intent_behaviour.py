"""BG/NBD says what it should of people who behave like it, and futures leave the company where it is."""

import numpy as np
import pandas as pd

from bench.nordhaus.futures import evenings, futures
from bench.peers.bg_nbd import buys_within, fit, recency_frequency
from bench.peers.told_the_truth import reachable


def lived(count: int, days: int, parameters, random) -> tuple[np.ndarray, ...]:
    """Let people live by the model: repeats, recency, age, and whether they buy in the 28 days after."""
    r, alpha, a, b = parameters
    rates, leaves = random.gamma(r, 1 / alpha, count), random.beta(a, b, count)
    repeats, recency, again = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    for person in range(count):
        at = 0.0
        while True:
            at += random.exponential(1 / rates[person])
            if at > days + 28:
                break
            if at > days:
                again[person] = True
                break
            repeats[person], recency[person] = repeats[person] + 1, at
            if random.random() < leaves[person]:
                break
    return repeats, recency, np.full(count, float(days)), again


def test_it_finds_the_parameters_that_people_live_by_and_is_calibrated():
    random, truth = np.random.default_rng(1), (1.0, 20.0, 0.8, 2.5)
    repeats, recency, age, again = lived(4000, 120, truth, random)
    found = fit(repeats, recency, age)
    np.testing.assert_allclose(found[0] / found[1], truth[0] / truth[1], rtol=0.1)
    np.testing.assert_allclose(found[2] / found[2:].sum(), truth[2] / sum(truth[2:]), rtol=0.15)
    chance = buys_within(repeats, recency, age, found, 28)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1.01)):
        inside = (chance >= low) & (chance < high)
        assert abs(chance[inside].mean() - again[inside].mean()) < 0.05


def test_the_past_is_counted_as_it_was_known():
    day = pd.Timestamp("2017-06-30")
    sold = pd.to_datetime(["2017-06-01", "2017-06-11", "2017-06-21"])
    bought = pd.DataFrame(
        {"customer_id": "c1", "sold_date": sold, "known_date": sold + pd.to_timedelta([0, 0, 20], "D")}
    )
    rows = pd.DataFrame({"customer_id": ["c1", "nobody"], "as_of_date": day})
    found = recency_frequency(bought, rows)
    assert found.iloc[0].tolist() == [1, 10, 29]
    assert found.iloc[1].isna().all()


def test_futures_differ_and_leave_the_company_where_it_is():
    ((_, world),) = evenings(300, [20])
    before = {name: np.copy(getattr(world.state, name)) for name in ("need", "mood", "last_purchase")}
    first, second = futures(world, 2, 28)
    assert world.state.day == 20
    assert all((getattr(world.state, name) == was).all() for name, was in before.items())
    assert (first.purchases != second.purchases).any()
    assert (first.spend_eur[first.purchases > 0] > 0).all() and not first.spend_eur[first.purchases == 0].any()
    (again, _) = futures(world, 2, 28)
    assert (again.purchases == first.purchases).all() and (again.tickets == first.tickets).all()


def test_told_the_truth_a_learner_finds_what_the_features_tell_and_nothing_of_what_they_hide():
    random = np.random.default_rng(3)
    seen, hidden = random.normal(size=6000), random.normal(size=6000)
    customer = pd.Series(np.arange(6000) // 2)  # two rows each, both with the same hidden state
    seen, hidden = np.repeat(seen[::2], 2), np.repeat(hidden[::2], 2)
    chance = 1 / (1 + np.exp(-(seen + hidden)))
    found = reachable(pd.DataFrame({"seen": seen}), chance, customer, {"learning_rate": 0.05, "min_child_weight": 20})
    grid = np.random.default_rng(4).normal(size=4000)
    best = np.array([(1 / (1 + np.exp(-(x + grid)))).mean() for x in seen])
    assert np.abs(found - best).mean() < 0.05
    assert np.corrcoef(found - best, hidden)[0, 1] < 0.1
