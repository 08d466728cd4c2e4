"""What ComfyUI was started with."""

from argparse import Namespace

args = Namespace(listen="127.0.0.1", port=0, multi_user=False)
