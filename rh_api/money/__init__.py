"""Pure: amounts, limits, quotes and rates of what orders cost."""
