"""Read models (views) over the log. Each can be rebuilt from the log.

Modules: `tables` (all tables of the views), one module for each view (`history`, `happened_in_areas`, `area_plans`,
`residents`, `nudges`, `inbox`, `handed_over`, `governance`, `erased`, `retired`, `trail`, `statistics`, `positions`),
reading and claiming of what is due (`claims`, `lanes`, `front`, `upcoming`), and SQL for many rows (`bulk`,
`for_each`). There are more than 15 modules because each view is an idea of its own, and small.

Nothing here writes facts.
"""
