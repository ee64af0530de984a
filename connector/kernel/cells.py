"""Text in CSV files that people open in a spreadsheet, which would run what looks like a formula.

Such a cell is written with an apostrophe before it, as spreadsheets have it, and read without.
"""

RUN = "=+-@\t\r"  # what a formula may begin with


def written(text: str) -> str:
    """Return a cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith((*RUN, "'")) else text


def read(cell: str) -> str:
    """Return the text of a cell, ours or another's: an apostrophe before a letter is a letter."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*RUN, "'")) else cell
