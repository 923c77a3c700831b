"""The outermost layer: settings, wiring, command line, HTTP API and pages.

More than 15 modules at the root, because all packages share the settings, the clocks, the terminal and the wiring.
"""
