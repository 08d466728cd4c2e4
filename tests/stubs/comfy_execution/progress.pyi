from PIL import Image

PreviewImageTuple = tuple[str, Image.Image, int | None]

class _DynamicPrompt:
    def get_display_node_id(self, node_id: str) -> str: ...

class ProgressRegistry:
    prompt_id: str
    dynprompt: _DynamicPrompt
    def start_progress(self, node_id: str) -> None: ...
    def update_progress(
        self, node_id: str, value: float, max_value: float, image: PreviewImageTuple | None = None
    ) -> None: ...
    def finish_progress(self, node_id: str) -> None: ...

def get_progress_state() -> ProgressRegistry: ...
