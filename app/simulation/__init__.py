"""A simulated population: seeded, endless if need be, and none of it real.

Modules:
    population: the life events of all households, as one stream. city: reports of the city of Alatau.
    happenings: events as registries report them.

Inside: citizens, households, names, regions and shapes (who lives where); family, health, work, documents, traffic,
taxes, residence (what happens to them); opening, days, money. More than 15 modules, because each area of life is one.
"""
