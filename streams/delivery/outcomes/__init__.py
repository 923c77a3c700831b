"""Record what became of attempts: outcomes, receipts, the suppression list."""
