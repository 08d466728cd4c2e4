"""Asks the service what its sources leave open, and compares the answers with what we assume."""
