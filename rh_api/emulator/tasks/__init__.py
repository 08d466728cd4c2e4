"""A task: what it is, its life from the queue to its end, its progress and its webhook."""
