"""What RunningHub's API means: requests and replies as values, without any input or output."""
