"""Persons as the platform sees them: attributes, history, residence, channels and hours.

Modules: channels, history, hours, life_course, own_choices, person.
"""
