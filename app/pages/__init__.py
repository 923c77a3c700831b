"""The pages that people see in a browser: written on the server, complete without scripts.

Modules: answer, broken, catalogues, citizen, layout, life, places, ruling, sign_in, stop, visits.
"""
