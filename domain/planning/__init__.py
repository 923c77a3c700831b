"""Plan: what a person should hear, from their history and the rulebook.

Modules: area_plan_sharing, deaths, eligibility, entitlement_answers, law, plan, relevant_types.
"""
