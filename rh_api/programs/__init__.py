"""What can be run: the kinds of programs, a request for one, and its way to its orders."""
