"""What the machine has: its disk, and the folders where journals are."""
