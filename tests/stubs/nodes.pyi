# ComfyUI's own top-level module of this name; ours is only ever imported relatively.
from typing import Any

NODE_CLASS_MAPPINGS: dict[str, Any]
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str]
