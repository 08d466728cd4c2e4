"""Stands in for ComfyUI's own package."""
