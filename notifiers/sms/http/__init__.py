"""SMS over the HTTP interface of a gateway."""
