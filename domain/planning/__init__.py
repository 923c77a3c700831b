"""Plan: what a person should hear, from their history and the rulebook."""
