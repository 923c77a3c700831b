"""The sandbox: whatever a draft brings is tried in a child process under limits of time and memory.

Modules:
    confined, confined_child: a child under limits, and its side of the pipe. trial: words tried on made-up events.

Inside: trial_child, the child that renders.

Fewer than six modules, because confinement is kept small enough to be read whole.
"""
