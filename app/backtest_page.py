"""The report of a backtest as a page."""

from app.backtest_report import Report


def page(report: Report) -> str:
    """The page."""
    return report.title
