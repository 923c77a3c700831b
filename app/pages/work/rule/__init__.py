"""The rule of a draft as a form, which writes the file and keeps what it does not know.

Modules:
    rule_form_page: the page. advice: the remarks of lint, beside the fields that they are about.
    rule_view: the parts of the form. rule_reading: what the rule reads.
    simple_fields: a table of plain fields. rule_controls: the kinds of controls. sent_rule: what came back.
"""
