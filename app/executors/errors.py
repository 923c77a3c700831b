"""Errors of executors, which the command line knows by name without loading what raises them."""


class NoCluster(Exception):
    """Raised where the cluster cannot do the work. It says which part of it is to be mended."""
