"""The engine of one order: its decisions, driven by an injected clock, transport and journal."""
