"""Words: the sandboxed language of messages, compiled and rendered for each channel."""
