"""Values that everything else is made of: ids, times, texts, life events.

Modules: events, ids, national_id, sms, timing, translatable, workdays.
"""
