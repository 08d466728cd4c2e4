"""The numbers in documents for users and developers are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rh_api.graph.node_options import MAX_ORDERS
from rh_api.journal.retention import KEEP_COSTS, KEEP_DAYS, KEEP_ORDERS, MAX_BYTES, SPEND_DAYS
from rh_api.models.live_catalogue import BYTES_A_DAY, PAGES_A_DAY
from rh_api.models.stored import read_catalogue
from rh_api.money.rates import COINS_A_SECOND
from rh_api.net import api
from rh_api.net.files import DOWNLOAD_POLICY, TRANSFERS
from rh_api.net.stalls import UPLOAD_POLICY
from rh_api.programs import library
from rh_api.run import (
    cancellation,
    paid_time,
    poller,
    report_query,
    retry,
    transfers,
    watcher,
)
from rh_api.wire.envelope import MAX_RETRY_AFTER
from tests.campaign.storm import FAULTS, PATHS
from tests.faults.cells import CASES
from tests.faults.endings import ENDINGS

ROOT = Path(__file__).parents[2]
WORDS = {
    "two": 2,
    "seven": 7,
    "eighteen": 18,
    "twenty": 20,
    "five": 5,
    "three": 3,
    "ten": 10,
    "eight": 8,
}
RATES = [COINS_A_SECOND[size] / 1e6 for size in ("default", "plus", "ultra")]
SIZED = [number for pair in zip(RATES, (24, 48, 84), strict=True) for number in pair]
CELLS = {(cell.operation, cell.fault) for cell in (*CASES, *ENDINGS)}
MODELS = read_catalogue((ROOT / "rh_api/models/catalogue.json").read_text("utf-8")).models
TEMPLATES = len(list((ROOT / "example_workflows").glob("*.json")))

CLAIMS = [
    ("ARCHITECTURE.md", "JSON is cached for ten minutes", [library.KEPT_SECONDS / 60]),
    ("ARCHITECTURE.md", "answered on within the last 0.25 seconds", [api.ORDER_SECONDS]),
    (
        "ARCHITECTURE.md",
        "up to three times, and polls until the task is over, all within 30 seconds",
        [cancellation.TRIES, cancellation.BOUND],
    ),
    ("ARCHITECTURE.md", "of which a client runs eight at once", [TRANSFERS]),
    ("docs/money.md", "queried for three days", [watcher.TOLD_WITHIN / 86_400]),
    ("docs/canvas.md", "`max_orders` (16) refuses", [MAX_ORDERS]),
    ("docs/errors.md", "asked again for ten seconds", [report_query.COMPLETION_DEADLINE_SECONDS]),
    ("docs/errors.md", "older than 30 days are deleted", [KEEP_DAYS]),
    ("docs/errors.zh-CN.md", "超过 30 天的会被删除", [KEEP_DAYS]),
    (
        "docs/install.md",
        "30 days, 10,000 orders at most; costs for 31 days, sums held for limits for 400",
        [KEEP_DAYS, KEEP_ORDERS, SPEND_DAYS, KEEP_COSTS / 86_400],
    ),
    ("docs/install.md", "with their order, 8.6 GB at most", [round(MAX_BYTES / 1e9, 1)]),
    ("README.md", "(docs/install.md#what-is-stored-and-for-how-long) for 30 days", [KEEP_DAYS]),
    ("README.md", "| example graphs | 8 |", [TEMPLATES]),
    ("README.zh-CN.md", "| 示例 | 8 |", [TEMPLATES]),
    ("README.md", "0.2 coins a second on the default machine, 0.4 on", RATES[:2]),
    ("docs/money.md", "`0.2 coins a second` on 24 GB, 0.4 on 48 GB, 0.6 on 84 GB", SIZED),
    ("docs/money.md", "At 80 % of it more is reserved", [paid_time.WARN_AT * 100]),
    (
        "docs/models.md",
        "knows 522 of them (487 are sold)",
        [len(MODELS), sum(model.is_usable for model in MODELS.values())],
    ),
    (
        "docs/models.md",
        "at most twenty requests and two megabytes",
        [1 + PAGES_A_DAY, BYTES_A_DAY / 1e6],
    ),
    (
        "docs/reliability.md",
        "kept for 30 days, the latest 10,000 of them, and their results up to 8.6 GB",
        [KEEP_DAYS, KEEP_ORDERS, round(MAX_BYTES / 1e9, 1)],
    ),
    ("docs/reliability.md", "pauses that grow to 15 seconds", [retry.MAX_WAIT]),
    (
        "docs/reliability.md",
        "at least three times (downloads five)",
        [retry.TRIES, transfers.DOWNLOAD_TRIES],
    ),
    ("docs/reliability.md", "less than 10 kB/s for a minute", [UPLOAD_POLICY.floor / 1000]),
    ("docs/reliability.md", "(a download 1 kB/s for", [DOWNLOAD_POLICY.floor / 1000]),
    ("docs/reliability.md", "waits for 30 seconds at most", [poller.MAX_RATE_PAUSE]),
    ("docs/reliability.md", "for more than 150 seconds", [MAX_RETRY_AFTER]),
    ("tests/README.md", "of 63 kinds over seven paths", [len(FAULTS), len(PATHS)]),
    (
        "tests/README.md",
        "seven operations by eighteen faults, 126 cells",
        [len({cell[0] for cell in CELLS}), len({cell[1] for cell in CELLS}), len(CELLS)],
    ),
]


def numbers(sentence: str) -> list[float]:
    """Those of a sentence, in digits or words."""
    words = re.findall(rf"\d[\d,.]*\d|\d|\b(?:{'|'.join(WORDS)})\b", sentence)
    return [float(WORDS.get(word) or word.replace(",", "")) for word in words]


@pytest.mark.parametrize(("document", "sentence", "values"), CLAIMS)
def test_a_number_of_a_document_is_that_of_the_code(
    document: str, sentence: str, values: list[float]
) -> None:
    assert sentence in " ".join((ROOT / document).read_text("utf-8").split())
    assert numbers(sentence) == pytest.approx(values)
