"""The node classes that the emulator knows, their code,
and the interpreter that runs graphs of them."""
