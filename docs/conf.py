"""Sphinx settings: MyST pages, a reference written from the docstrings, one bibliography."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "infoplane"
author = "The infoplane developers"
copyright = "The infoplane developers"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
    "api_pages",
    "author_year",
]
exclude_patterns = ["_build", "_extensions"]
html_theme = "furo"
html_title = "infoplane"
html_static_path = ["_static"]
html_css_files = ["handbook.css"]

myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block", "colon_fence"]

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "author_year"
bibtex_reference_style = "author_year"

autodoc_default_options = {"members": True}
autodoc_inherit_docstrings = False  # the contract stands once, on the base class
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "lightning"]  # the reference is built without them
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autosummary_generate = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
