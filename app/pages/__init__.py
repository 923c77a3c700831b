"""The pages that people see in a browser: written on the server, complete without scripts.

Modules:
    citizen: a citizen's own pages. stop, answer: the links of messages. sign_in, visits: who is there.
    layout, places, error_pages: the frame of every page, the navigation, and errors as people read them.
    components: the page that shows what pages are made of. active_stops: what is stopped, for the bar of pages.
    catalogues, life, rule_words, pack_names: the words in the reader's language: of the site, nudges, rules, packs.
    finding_words: what is wrong with the platform, in sentences; `habarshy status` has them in English.
    naming: the names of values.
    whole_numbers: numbers that came as text. chart: bars as SVG.
    proof, erasure_letter, backtest_report: pages for paper and for those who have no access, that need no other file.

Inside: inbox, messages, entitlements, authenticity_check, preferences, self_erasure, devices (pages of citizens);
citizen_pages (what these share); web_app (the pages as an app); calendar_file (a message's day for calendars);
reasons (why a message came); zones, icons.
Officials' pages are in `work` and `console`. More than 15 modules, because each page is one.
"""
