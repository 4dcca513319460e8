"""Markdown tables."""

MISSING = "\N{EN DASH}"


def table(header: str, rows: list[str]) -> str:
    """Markdown table; cells are separated by ` | `."""
    columns = header.count("|") + 1
    return "\n".join([f"| {header} |", "|" + "---|" * columns, *(f"| {row} |" for row in rows)])
