"""Replay: rebuild and verify views, repair and backfill plans; nothing here can send."""
