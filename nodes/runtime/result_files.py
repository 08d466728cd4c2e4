"""Where result files are: see `values/result_files.py`."""

from ..values.result_files import SUBFOLDER

__all__ = ["SUBFOLDER"]
