"""Long work as jobs: requested, counted, confirmed, resumed."""
