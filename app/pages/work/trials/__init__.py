"""Trials of a draft: its previews, and its tests as examples that are made from these and edited by a form.

Modules:
    trial_pages: the pages of previews and tests. played: what came of a test, in words.
    examples: the page of one test. example_form: its story and its fields. usual_cases: those that most rules need.
    case_file: the file of the tests, changed as text.
"""
