"""The pages that people see in a browser: written on the server, complete without scripts."""
