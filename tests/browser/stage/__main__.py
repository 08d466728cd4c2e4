"""`python -m tests.browser.stage` prints where a canvas with the pack and an emulator is.

For a look by hand: open the printed address. The browser tests start the same thing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.browser import frontends

HOST = str(Path(__file__).with_name("host"))


def main() -> None:
    parser = argparse.ArgumentParser(description="A canvas with the pack, without a ComfyUI.")
    parser.add_argument("--frontend", default=frontends.NEWEST, help="version to show")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--base", type=Path, help="folder of input, output and user files")
    parser.add_argument("--no-key", action="store_true", help="know no account")
    parser.add_argument("--object-info", action="store_true", help="print that, and serve nothing")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        base = options.base or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not options.no_key and "RUNNINGHUB_BASE_URL" not in os.environ:
            from rh_api.emulator import Emulator  # here: each browser test waits for a stage

            emulator = Emulator()
            os.environ["RUNNINGHUB_BASE_URL"] = stack.enter_context(emulator.run_in_thread())
            os.environ["RUNNINGHUB_API_KEY"] = emulator.default_key
        os.environ["STAGE_BASE"] = str(base.resolve())
        # Before all else: `nodes` and `server` are ComfyUI's modules here, not folders of ours.
        sys.path.insert(0, HOST)
        if options.object_info:
            asyncio.run(_print_object_info())
            return
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(frontends.folder(options.frontend), options.port))


async def _print_object_info() -> None:
    from server import PromptServer

    from tests.browser.stage.site import Stage

    stage = Stage(PromptServer(asyncio.get_running_loop()), Path())
    await stage.load()
    print(json.dumps(stage.object_info()))


async def _serve(static: Path, port: int) -> None:
    from tests.browser.stage.site import serve

    _, port = await serve(static, port)
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    # Begun in the background, or by nohup, tests ignore it, and so does what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
