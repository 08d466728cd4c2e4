"""Stands in for ComfyUI's public interface."""
