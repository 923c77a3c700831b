"""Packs: words and rules, and the code that loads and renders them."""
