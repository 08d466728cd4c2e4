"""RunningHub cloud workflows as nodes of a ComfyUI graph. Importing this has no side effects."""

# ComfyUI loads every .js file below it, and looks for node help in its docs/.
WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """Return the extension to ComfyUI; an unsupported one gets no nodes, and a log line."""
    from .nodes.extension import extension

    return extension()
