"""What happens next with an order: decisions without a clock, and what drives them."""
