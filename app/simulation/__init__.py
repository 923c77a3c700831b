"""A simulated population: seeded, endless if need be, and none of it real."""

from app.simulation.city import city_news
from app.simulation.population import EmptySpan, simulate

__all__ = ["EmptySpan", "city_news", "simulate"]
