"""Tasks: data, lifecycle, progress messages and webhooks."""
