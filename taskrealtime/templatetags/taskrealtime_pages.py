"""What the board's templates ask of the project around it."""

from django import template

from taskrealtime import addresses

register = template.Library()

register.simple_tag(addresses.sign_in_url)
register.simple_tag(addresses.sign_out_url)
