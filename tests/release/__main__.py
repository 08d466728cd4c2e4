"""What a release needs of this folder, in one command each.

``python -m tests.release owner OWNER/NAME PUBLISHER`` adds what only works once the repository is
public: its address, badge, icon and banner, how to clone it, ComfyUI Manager.
``python -m tests.release bump 0.2.0`` sets the version and closes the changelog's open section; the
commit and the tag ``v0.2.0`` are left to a person.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# By file: what stands there, and what takes its place; `@` is the repository's address.
PUBLIC: dict[str, dict[str, str]] = {
    "README.md": {
        "# RunningHub Remote\n\n": (
            "# RunningHub Remote\n\n"
            "[![CI](@/actions/workflows/ci.yml/badge.svg)](@/actions/workflows/ci.yml)\n"
        ),
        "Put this folder into `ComfyUI/custom_nodes/` as `runninghub-remote`. Then install": (
            "With ComfyUI Manager: install **RunningHub Remote**, and restart. By hand:\n\n"
            "```\ngit clone @ ComfyUI/custom_nodes/runninghub-remote\n```\n\nThen install"
        ),
    },
    "README.zh-CN.md": {
        "# RunningHub Remote\n\n": (
            "# RunningHub Remote\n\n"
            "[![CI](@/actions/workflows/ci.yml/badge.svg)](@/actions/workflows/ci.yml)\n"
        ),
        "把本文件夹以 `runninghub-remote` 为名放进 `ComfyUI/custom_nodes/`。再安装": (
            "在 ComfyUI Manager 里安装 **RunningHub Remote** 并重启。也可以手动安装。\n\n"
            "```\ngit clone @ ComfyUI/custom_nodes/runninghub-remote\n```\n\n再安装"
        ),
    },
    "SECURITY.md": {
        "**Security → Report a vulnerability**. Say": (
            "**Security → Report a vulnerability**\n(@/security/advisories/new). Say"
        ),
    },
    "pyproject.toml": {
        "[project.optional-dependencies]\n": (
            '[project.urls]\nRepository = "@"\nDocumentation = "@/tree/main/docs"\n'
            '"Bug Tracker" = "@/issues"\n\n[project.optional-dependencies]\n'
        ),
        'DisplayName = "RunningHub Remote"\n': (
            'DisplayName = "RunningHub Remote"\nIcon = "@/raw/main/docs/icon.png"\n'
            'Banner = "@/raw/main/docs/banner.png"\n'
        ),
    },
}
OPEN = "## Unreleased"


def owned(name: str, text: str, repository: str, publisher: str) -> str:
    """The file's text with what the public repository OWNER/NAME adds to it; the same, once added.

    Raises ValueError if the place of an addition is gone.
    """
    for before, after in PUBLIC[name].items():
        added = after.replace("@", f"https://github.com/{repository}")
        if added not in text:
            if before not in text:
                raise ValueError(f"{name} has no line with: {before.strip()}")
            text = text.replace(before, added, 1)
    return text.replace('PublisherId = ""', f'PublisherId = "{publisher}"')


def versioned(text: str, version: str) -> str:
    """pyproject.toml or version.js with another version. Raises ValueError if there is none."""
    text, count = re.subn(r'(?m)(^version = |VERSION = )"[^"]*"', rf'\g<1>"{version}"', text)
    if count != 1:
        raise ValueError(f"{count} places hold the version, not one")
    return text


def closed(changelog: str, version: str, day: datetime.date) -> str:
    """The changelog with what was open under ``version``, and an empty open section above.

    Raises ValueError if nothing is in the open section.
    """
    _, heading, rest = changelog.partition(OPEN + "\n")
    if not heading or not rest.split("\n## ")[0].strip():
        raise ValueError(f"CHANGELOG.md has nothing under {OPEN!r}")
    return changelog.replace(OPEN, f"{OPEN}\n\n## {version} ({day.isoformat()})", 1)


def _rewrite(name: str, text: str) -> None:
    path = ROOT / name
    if path.read_text("utf-8") != text:
        path.write_text(text, "utf-8", newline="\n")
        print(f"changed {name}")


def _own(repository: str, publisher: str) -> None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        sys.exit("The repository is given as OWNER/NAME, as in its address on GitHub.")
    if not re.fullmatch(r"[a-z0-9-]+", publisher):
        sys.exit("The publisher is the id behind the @ of its page in the Registry.")
    for name in PUBLIC:
        _rewrite(name, owned(name, (ROOT / name).read_text("utf-8"), repository, publisher))


def _bump(version: str) -> None:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit("The Registry takes versions of three numbers, such as 0.2.0.")
    changed = {
        name: versioned((ROOT / name).read_text("utf-8"), version)
        for name in ("pyproject.toml", "web/js/version.js")
    }
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    changed["CHANGELOG.md"] = closed(changelog, version, today)
    for name, text in changed.items():
        _rewrite(name, text)
    print(f"Look at it, then: git commit -am 'chore: release {version}' && git tag v{version}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    own = commands.add_parser("owner", help="say whose repository and publisher it is")
    own.add_argument("repository", metavar="OWNER/NAME")
    own.add_argument("publisher")
    bump = commands.add_parser("bump", help="set the version and close the changelog's section")
    bump.add_argument("version")
    options = parser.parse_args()
    try:
        if options.command == "owner":
            _own(options.repository, options.publisher)
        else:
            _bump(options.version)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
