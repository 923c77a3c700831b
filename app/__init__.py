"""The outermost layer: settings, wiring, command line, HTTP API and pages."""
