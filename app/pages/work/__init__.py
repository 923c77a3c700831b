"""The service owners' workbench: their agency's triggers, from a draft to the outcomes of their messages.

Packages: `drafts` (what the pages of one draft share), `rule` (its form), `trials` (its previews and tests).

Modules:
    install: adds all pages of the workbench to the application.
    office: access, and what all pages share. words: of people, states and decisions.
    all_texts: the texts of all languages, and those of a document.
    field_places: the fields of the forms that findings are about.

Inside: listing, new_draft, citizen_letters (a page each); texts_page (the texts of one language);
approving, mailing and backtests (from handing in on); triggers and figures (what is published).
"""
