"""The contract that the how-to shows can be used as it stands."""

import json
import re
from datetime import date
from pathlib import Path

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place, Rate
from orderloom.shipping.rate import rate
from orderloom.shipping.tariff import compile_contract
from orderloom.terms import Dimensions

HOWTO = Path(__file__).parents[3] / "docs/howto/add-a-carrier.md"


def test_the_shown_contract_rates_a_parcel():
    shown = re.search(r"```json\n(.*?)```", HOWTO.read_text(), re.DOTALL).group(1)
    contract = compile_contract(parse(carrier="acme", version=1, terms=json.loads(shown)))
    answer = rate(
        contract=contract,
        service="ground",
        parcel=Parcel.of(dimensions=Dimensions(200, 150, 100), weight_g=1500),
        origin=Place("US", "10001"),
        destination=Place("US", "60601"),
        at=date(2026, 1, 13),
    )
    assert isinstance(answer, Rate)
    assert {line.rule: line.amount for line in answer.lines} == {
        "card": 1300,
        "discount": -325,
        "residential": 450,
        "fuel": 299,
    }
