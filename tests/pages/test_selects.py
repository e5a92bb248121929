"""Lists to choose from are written by a template of ours."""

import pytest
from django import forms
from django.forms.renderers import BaseRenderer, DjangoTemplates, get_default_renderer

pytestmark = pytest.mark.once

CHOICES = [("", "—"), (1000, "<b>"), ("Cities", [("a&b", 'of "others"'), (None, "none")])]


@pytest.mark.parametrize("kind", [forms.Select, forms.SelectMultiple])
def test_a_list_to_choose_from_says_what_djangos_template_says(kind: type[forms.Select]) -> None:
    """To include two templates for each option, as Django's does, takes more than twice as long."""
    widget = kind(attrs={"class": "wide", "required": True, "hidden": False}, choices=CHOICES)

    def lines(renderer: BaseRenderer) -> list[str]:
        written = widget.render("place", ["1000", "a&b"], attrs={"id": "id_place"}, renderer=renderer)
        return [line.strip() for line in written.splitlines() if line.strip()]

    ours = lines(get_default_renderer())
    assert ours == lines(DjangoTemplates())
    assert len(ours) == len(CHOICES) + 5
