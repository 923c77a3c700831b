"""One draft on the workbench: what its pages share, its files, its saves, and how far it is.

Modules:
    draft_pages, form_pages: what all pages of a draft share, and those with a form. stored_drafts: finding a draft.
    progress: its steps. gaps: where something is left. controls: the controls of forms.
    text_fields: the fields of its texts, and what is still asked of them.
    editing: its files as text. saves: going back to an earlier one. merging: two editors at once.
    changed_lines: of two versions.
"""
