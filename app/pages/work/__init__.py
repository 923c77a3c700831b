"""The service owners' workbench: their agency's triggers, from a draft to the outcomes of their messages.

Modules:
    install: adds all pages of the workbench to the application.
    controls: the controls of forms. trying: previews and tests. field_places: the fields
        of the form that findings are about. The page of components shows what these show.

Inside: listing, beginning, editing (files), by_form (the rule), wording and all_texts (the texts of one language, and
of all), text_fields (their fields), approving, triggers, figures, backtests, letters (a page each); office (access),
draft_pages (what those of a draft share), sheets (finding drafts), progress (their steps), form_pages (saving forms),
merging (two editors at once), saves (going back), changed_lines (of two versions), advice (of lint, beside fields),
words. Of the form of the rule: rule_reading (what the rule reads),
simple_fields (a table of plain fields), rule_controls (kinds of controls), rule_view (its parts), sent_rule (what
came back).
"""
