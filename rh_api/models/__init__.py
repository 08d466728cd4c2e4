"""The standard models of the site: what each takes, what goes out for it, and what it may cost."""
