"""The pure core: what a person should hear, and what to do when it is due."""
