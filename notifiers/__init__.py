"""A message out, a receipt back: one port, one module a channel, a shipped fake and one contract for all."""
