"""SAY, pure: what orders cost, what they may cost, and what that leaves of a limit."""
