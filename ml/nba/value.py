"""What an action is worth: expected net value in EUR = P(response) x value of a response x lever - cost - harm.

`learned`: P(response) comes from the response model, because such campaigns were run and answered before.
`assumed`: nobody ever ran the action, so P(response) = P(intent it serves) x the share that campaign management
assumes of those with the intent; it stays an assumption until outcomes of our own exist.
`decisions`: what followed our own decisions (`ml.nba.learn`): P(response) is what the action adds to what would have
happened anyway, the value is the margin of a purchase, and harm is what complaints and opt-outs cost. Harm is 0 else.
"""

import numpy as np
import pandas as pd

LEARNED, ASSUMED, DECISIONS = "learned", "assumed", "decisions"


def response_probability(candidates: pd.DataFrame) -> np.ndarray:
    """Return P(response) per candidate (n), from the response model or from the assumption as `response_basis` says."""
    has_intent = candidates["serves_intent"].notna()
    if candidates.loc[has_intent, "intent_probability"].isna().any():
        lost = candidates.loc[has_intent & candidates["intent_probability"].isna(), "serves_intent"].unique()
        raise ValueError(f"No score of {', '.join(lost)}, which actions serve: score_intent has to run first.")
    intent = np.where(has_intent, candidates["intent_probability"].fillna(1.0), 1.0)
    assumed = candidates["assumed_response"].fillna(0.0) * intent
    return np.where(candidates["response_basis"] == LEARNED, candidates["learned_response"], assumed).astype(float)


def by_decisions(candidates: pd.DataFrame, learned: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates with what was `learned` (customer_id, action_id, figures) in place of other figures.

    Money to the hundredth of a cent, as the ledger keeps it.
    """
    joined = candidates.merge(learned, on=["customer_id", "action_id"], how="left", validate="one_to_one")
    known = joined["added_response"].notna()
    joined.loc[known, "response_basis"] = DECISIONS
    joined["response_probability"] = joined["added_response"].where(known, joined["response_probability"])
    joined["response_value_eur"] = joined["learned_worth_eur"].round(4).where(known, joined["response_value_eur"])
    joined["expected_harm_eur"] = joined["learned_harm_eur"].round(4).where(known, joined["expected_harm_eur"])
    return joined.drop(columns=["added_response", "learned_worth_eur", "learned_harm_eur"])


def expected_net_value(candidates: pd.DataFrame) -> np.ndarray:
    """Return the expected net value in EUR per candidate (n), to the hundredth of a cent as the ledger keeps it."""
    worth = candidates["response_probability"] * candidates["response_value_eur"] * candidates["lever"].astype(float)
    worth -= candidates["cost_eur"] + candidates["expected_harm_eur"]
    return worth.round(4).to_numpy(dtype=float) + 0.0
