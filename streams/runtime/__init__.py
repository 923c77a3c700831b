"""What runs beside the work: the scheduler, upkeep, cleanup, restore."""
