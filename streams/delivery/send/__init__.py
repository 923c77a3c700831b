"""Send what is due: claim, commit attempts, hand over to providers, keep rates."""
