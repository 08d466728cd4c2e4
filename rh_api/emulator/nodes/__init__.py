"""The emulator's node classes, their implementations, and the interpreter that runs graphs of
them."""
