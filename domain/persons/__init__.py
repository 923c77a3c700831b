"""Persons as the platform sees them: attributes, history, residence, channels and hours.

Modules:
    residence: the homes of a person over time. replies: a person's answer to a message, as a life event.
    person: attributes as of a time. history: the facts that count for a person. life_course: values over time.
    guardianship: its end. devices: the devices that a person registered for push messages.
    channels, hours: the ways by which, and the hours at which, somebody is reached. own_choices: their choices.
"""
