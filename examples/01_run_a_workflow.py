"""Run a saved workflow with a picture of yours; its results are on this machine afterwards.

    python examples/01_run_a_workflow.py WORKFLOW NODE.FIELD PICTURE
    python examples/01_run_a_workflow.py 1900000000000000109 10.image photo.png

RUNNINGHUB_API_KEY holds the key. `python -m rh_api emulator` gives one for trying out.
"""

import asyncio
import os
import sys
from pathlib import Path

from rh_api.client import Client, Job, Source
from rh_api.errors import RunningHubError
from rh_api.settings import Settings


async def main(workflow: str, field: str, picture: str) -> None:
    # Everything that can be wrong with field or picture is said before anything is paid.
    job = Job(workflow, {field: Source.of_file(Path(picture))})
    async with Client(Settings.from_mapping(os.environ)) as client:
        outcome = await client.run(job)
    print(f"task {outcome.task_id}")
    for result in outcome.results:
        print(f"node {result.node_id}: {result.path or result.text}")
    # The same inputs again are not ordered again: their results are here.
    paid = outcome.usage.coins or outcome.usage.money
    print("nothing was paid now" if outcome.kept else f"cost {paid}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except RunningHubError as error:
        sys.exit(str(error))
