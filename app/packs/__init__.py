"""Drafts and published packs for their owners: trying a draft, and showing differences, cases and previews.

Modules:
    draft_bench: lint, tests, preview and verdict of a draft. draft_children, draft_child: confined processes for it.
    version_diff: what changes between versions. case_results: the results of tests.
    preview_lines, preview_page, rule_lines: previews and rules as text, and as a page.
"""
