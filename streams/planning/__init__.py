"""Planning: read histories, plan, diff and append; areas, wake-ups and quarantine."""
