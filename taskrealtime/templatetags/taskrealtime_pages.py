"""What the board's templates need, whatever context processors the project has."""

from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static

from taskrealtime import addresses, languages
from taskrealtime.engine.conf import user_model

register = template.Library()

register.simple_tag(addresses.sign_in_url)
register.simple_tag(addresses.sign_out_url)
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


@register.simple_tag
def page_script(name: str) -> str:
    """Return the address of a page's script, such as `board/main`: its bundle; the module itself with DEBUG."""
    return static(f"taskrealtime/{'js' if settings.DEBUG else 'bundle'}/{name}.js")


@register.simple_tag
def page_styles() -> str:
    """Return the address of the stylesheet of all pages: its bundle; with DEBUG the one that imports its parts."""
    return static(f"taskrealtime/{'css' if settings.DEBUG else 'bundle'}/site.css")
