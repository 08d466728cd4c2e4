"""Look at the form of an AI app, fill some of it in, and run the app.

    python examples/02_run_an_ai_app.py APP [NODE.FIELD=VALUE …]
    python examples/02_run_an_ai_app.py https://www.runninghub.ai/ai-detail/19… 10.image=photo.png

Without values the form is shown and nothing is run.
"""

import asyncio
import os
import sys
from pathlib import Path

from rh_api.client import Client, Job, Source
from rh_api.errors import RunningHubError
from rh_api.settings import Settings

MEDIA = ("IMAGE", "AUDIO", "VIDEO")


async def main(link: str, given: dict[str, str]) -> None:
    async with Client(Settings.from_mapping(os.environ)) as client:
        app = await client.programs.app(link)
        print(app.form.name)
        kinds: dict[str, str] = {}
        for field in app.fields():
            kinds[field.full_name] = field.kind.value
            print(f"  {field.full_name}  {field.kind.value}  {field.stored}  {field.node.title}")
        if not given:
            return
        # A picture, sound or video is uploaded; a choice may be given as people read it.
        values = {
            name: Source.of_file(Path(text)) if kinds.get(name) in MEDIA else text
            for name, text in given.items()
        }
        outcome = await client.run(Job(app=link, fields=values))
    print(f"task {outcome.task_id}")
    for result in outcome.results:
        print(f"node {result.node_id}: {result.path or result.text}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or any("=" not in text for text in sys.argv[2:]):
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])))
    except RunningHubError as error:
        sys.exit(str(error))
