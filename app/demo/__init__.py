"""The demo: a family and an invented population live a year in a minute, on the product's own pages.

Modules:
    show: runs the demo, from its options to its end.
    population: the invented people and what happens to them.

Inside: year (the clock and the events), family (whose year is told), mailroom (receipts of messages); site (routes,
and signing in by a link, which no other command has), ribbon (above every page), story and chapters (the line of
time), board and reading (the country), dialogue (the assistant).
"""
