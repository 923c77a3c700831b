"""The facts that the log keeps, in the past tense."""
