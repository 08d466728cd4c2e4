"""Network I/O: control calls over aiohttp, file transfers over requests, and their safety
rules."""
