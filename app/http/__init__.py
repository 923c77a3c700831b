"""The HTTP API and the pages: what registries and citizens reach over the network."""
