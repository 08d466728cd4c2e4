"""What happens next with an order: decisions that hold no clock, and the engine that drives them."""
