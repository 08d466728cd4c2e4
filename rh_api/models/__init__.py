"""The site's standard models: their parameters, request bodies and prices."""
