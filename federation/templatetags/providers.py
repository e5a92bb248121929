"""What the login page asks about identity providers."""

from django import template

from federation.models import Provider

register = template.Library()


@register.simple_tag
def some_provider() -> bool:
    """Whether any organization logs in with its own provider."""
    return Provider.objects.exists()
