"""Drafts and published packs for their owners: bench, differences, case results.

Modules: case_results, draft_bench, draft_child, draft_children, preview_lines, preview_page,
    rule_lines, version_diff.
"""
