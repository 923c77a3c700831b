"""The rules in force: submit, approve, publish, pause, and read the rulebook."""
