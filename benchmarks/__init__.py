"""Speed and memory, as ratios to a raw baseline in the same run."""
