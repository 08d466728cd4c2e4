"""What the service refuses: wrong requests, orders and graphs."""
