"""Sphinx settings: MyST pages, one theme, nothing generated."""

project = "infoplane"
author = "The infoplane developers"
copyright = "The infoplane developers"
extensions = ["myst_parser"]
myst_heading_anchors = 2
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "infoplane"
