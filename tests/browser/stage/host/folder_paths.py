"""ComfyUI's folders, below the one that the stage was given."""

from __future__ import annotations

import os
from pathlib import Path

BASE = Path(os.environ.get("STAGE_BASE", "."))


def _folder(name: str) -> str:
    folder = BASE / name
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def get_input_directory() -> str:
    return _folder("input")


def get_output_directory() -> str:
    return _folder("output")


def get_temp_directory() -> str:
    return _folder("temp")


def get_user_directory() -> str:
    return _folder("user")


def get_system_user_directory(name: str = "system") -> str:
    return _folder(f"user/__{name}")


def get_directory_by_type(kind: str) -> str | None:
    return _folder(kind) if kind in ("input", "output", "temp") else None


def get_filename_list(folder_name: str) -> list[str]:
    return sorted(path.name for path in Path(_folder(f"models/{folder_name}")).iterdir())


def get_full_path(folder_name: str, filename: str) -> str | None:
    path = BASE / "models" / folder_name / filename
    return str(path) if path.is_file() else None


def get_full_path_or_raise(folder_name: str, filename: str) -> str:
    path = get_full_path(folder_name, filename)
    if path is None:
        raise FileNotFoundError(filename)
    return path


def annotated_filepath(name: str) -> tuple[str, str | None]:
    for kind in ("input", "output", "temp"):
        if name.endswith(f" [{kind}]"):
            return name.removesuffix(f" [{kind}]"), _folder(kind)
    return name, None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    name, folder = annotated_filepath(name)
    return str(Path(folder or default_dir or get_input_directory()) / name)


def exists_annotated_filepath(name: str) -> bool:
    return Path(get_annotated_filepath(name)).is_file()


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    subfolder, _, name = filename_prefix.rpartition("/")
    folder = Path(output_dir) / subfolder
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [path.stem.rsplit("_", 2)[-2] for path in folder.glob(f"{name}_*_.*")]
    counter = max((int(number) for number in numbers if number.isdigit()), default=0) + 1
    return str(folder), name, counter, subfolder, filename_prefix
