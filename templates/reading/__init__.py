"""Read packs from disk: documents with places, and the shapes that they must have."""
