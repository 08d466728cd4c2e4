"""Validation of requests, orders and graphs, with the service's refusals."""
