"""What the board's templates need, whatever context processors the project has."""

from typing import Any

from django import template

from taskrealtime import addresses, languages
from taskrealtime.engine.conf import user_model

register = template.Library()

register.simple_tag(addresses.sign_in_url)
register.simple_tag(addresses.sign_out_url)
register.simple_tag(addresses.page_script)
register.simple_tag(addresses.page_styles)
register.simple_tag(languages.offered_languages)
register.simple_tag(user_model.max_username)


@register.simple_tag(takes_context=True)
def prepare_page(context: template.Context) -> str:
    """Put into the context what all templates use; at the beginning of the one that the others extend.

    `request`: the request; None on a page that Django makes without one, which says that something failed.
    `language`: the page's language.
    `site`: what scripts must know of the project.
    """
    # A context without a request has no such attribute.
    context["request"] = getattr(context, "request", None)
    context["language"] = languages.page_language()
    context["site"] = addresses.for_scripts(context["request"])
    return ""


@register.simple_tag(takes_context=True)
def texts_of_scripts(context: template.Context, folder: str) -> str:
    """Return the static file with what a page's scripts say; empty in English, which they know themselves."""
    language: Any = context["language"]
    return "" if language == "en" else f"taskrealtime/js/texts/{language}/{folder}.js"
