"""The command line: argument parser, terminal output, and one module per group of commands."""
