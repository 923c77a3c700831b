"""Kafka and Faust: topics, relay, workers, intake from topics."""
