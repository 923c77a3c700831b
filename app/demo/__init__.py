"""The demo: an invented population lives a year in a minute, and one page shows what they are told.

Modules:
    show: runs the demo, from its options to its end.

Inside: year (the clock and the events), population, mailroom (receipts of messages), site, board, reading and why
(the page and its data), packs.
"""
