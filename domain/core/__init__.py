"""Values that everything else is made of: ids, times, texts, life events."""
