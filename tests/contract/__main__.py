"""`python -m tests.contract adopt report.json`: a report of the doctor becomes samples."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .reported import adopt

parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
commands = parser.add_subparsers(dest="command", required=True)
adopting = commands.add_parser("adopt", help="keep a report's exchanges beside the samples")
adopting.add_argument("report", type=Path, metavar="REPORT.json")
sys.stdout.write(adopt(parser.parse_args().report) + "\n")
