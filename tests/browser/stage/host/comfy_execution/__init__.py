"""Stands in for ComfyUI's executor."""
