"""RunningHub cloud workflows as nodes of a ComfyUI graph. Importing this does nothing by itself."""

# ComfyUI loads every .js file below it, and looks for node help in its docs/.
WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """What ComfyUI calls for our nodes; one that is too old gets none, and is told so."""
    from .nodes.extension import extension

    return extension()
