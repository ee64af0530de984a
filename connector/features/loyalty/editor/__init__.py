"""The program editor: a draft, edited by forms, described in words, tried, and published."""
