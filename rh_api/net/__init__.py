"""The line to the outside: control calls over aiohttp, big bodies over requests,
and their rules."""
