"""The values that everything else is made of: ids, times, texts, life events.

Modules:
    ids: pseudonyms and ids of nudges, by keyed hashes. national_id: its check digit.
    timing, workdays: durations, local times, quiet hours and working days.
    events: life events, their revisions, and the ones that count.
    plain: `PlainData`, what files and events hold. sms: the cost of a text as SMS.
    translatable: English sentences that are translated when they are shown.

Inside: duration_hints, suggestions for durations that are written in words.
"""
