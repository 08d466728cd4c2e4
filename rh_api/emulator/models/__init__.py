"""The standard models: what each takes and costs, what it makes, and where the site lists them."""
