"""However many customers there are, they are laid out and written part by part, and nothing depends on the parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.nba import candidates, ledger
from ml.nba.candidates import KEPT, lay_out, lay_out_all
from ml.nba.complaints import AGE
from ml.nba.decide import draw
from ml.nba.model import nba_settings
from ml.nba.serving import Serving
from ml.registry import ModelVersion
from tests.ml import planted_ledger
from tests.ml.company import AS_OF

SETTINGS = nba_settings()
PART = 700


@pytest.fixture(scope="module")
def given():
    """The planted company, where every seventh waits for an answer and every second contradicts themselves."""
    found = planted_ledger.circumstances(AS_OF)
    who = found.features["customer_id"].to_numpy()
    said = {"customer_id": np.repeat(who[::2], 2), "channel": ["mail", "any"] * (len(who) // 2)}
    contradicting = pd.DataFrame({**said, "is_granted": [True, False] * (len(who) // 2)})
    granted = pd.DataFrame({"customer_id": who[1::2], "channel": "any", "is_granted": True})
    moment = {"purpose": "marketing", "changed_at": "2017-01-01 00:00:00+00", "known_date": pd.Timestamp("2017-01-01")}
    waits = {"policy_id": "wait", "rule": "unanswered_complaint", "parameter": "marketing", "threshold": 14.0}
    asked = {"policy_id": "ask", "rule": "consent_required", "parameter": "marketing"}
    service = {"policy_id": "service", "rule": "consent_not_required", "parameter": "service"}
    return replace(
        found,
        complaints=pd.DataFrame({"customer_id": who[::7], AGE: 3}),
        consents=pd.concat([contradicting, granted], ignore_index=True).assign(**moment),
        policies=pd.DataFrame([waits, asked, service]).assign(action_id=None),
    )


def test_parts_give_what_the_whole_gives(given, monkeypatch):
    model = planted_ledger.response_model()
    whole = lay_out(given, model, SETTINGS)
    monkeypatch.setattr(candidates, "PART", PART)
    parts = lay_out_all(given, model, SETTINGS)
    assert len(given.features) > 2 * PART and whole["dropped_by"].nunique() > 1
    pd.testing.assert_frame_equal(parts[[*KEPT]], whole[[*KEPT]], check_dtype=False)


def test_what_is_written_in_parts_is_what_is_written_at_once(given):
    model = planted_ledger.response_model()
    serving = Serving(model, None, ModelVersion("cx_response", "0", "", {}), {"learned": "cx_response/0"})
    drawn = draw(given, lay_out_all(given, model, SETTINGS), pd.Series([], dtype=str), serving, AS_OF, SETTINGS)
    parts = [*drawn.parts(PART)]
    assert len(parts) == 4
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), drawn.all().reset_index(drop=True))


def test_of_two_words_of_one_moment_the_ledger_keeps_the_withdrawal(given):
    twice = given.consents.assign(channel="mail")
    texts = ledger.fact_texts(replace(given, consents=twice), given.features["customer_id"], SETTINGS, {}).to_pylist()
    assert '"consents":{"marketing/mail":false}' in texts[0] and '"consents":{"marketing/mail":true}' in texts[1]
