"""The standard models: parameters, prices, results, and listings."""
