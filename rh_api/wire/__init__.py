"""RunningHub's API as values: request builders and response parsers, free of I/O."""
