"""The port that every notifier implements, its contract as tests, and the shipped fake."""
