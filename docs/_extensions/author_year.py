"""The style of the bibliography: plain entries, labels of author and year, which are unique over all its sections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.labels import BaseLabelStyle


class AuthorYear(BaseLabelStyle):
    """ "Saxe et al. 2018", "Fischer and Alemi 2020"."""

    def format_labels(self, sorted_entries: list[Any]) -> Iterator[str]:
        for entry in sorted_entries:
            names = [" ".join([*person.prelast_names, *person.last_names]) for person in entry.persons["author"]]
            several = len(names) > 2 or names[-1] == "others"
            yield (
                f"{names[0]} et al. {entry.fields['year']}"
                if several
                else f"{' and '.join(names)} {entry.fields['year']}"
            )


class Style(Plain):
    default_label_style = AuthorYear


def setup(app: Any) -> dict[str, bool]:
    register_plugin("pybtex.style.formatting", "author_year", Style)
    return {"parallel_read_safe": True}
