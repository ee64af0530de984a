"""The texts of the merchant's pages, in the language of whoever reads them."""


def t(text: str) -> str:
    """Return a text in the reader's language."""
    return text


def tn(one: str, many: str, count: int) -> str:
    """Return the text for so many, in the reader's language."""
    return one if count == 1 else many
