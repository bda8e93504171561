"""Tasks that have the words of a search, in title, description or comments, over all projects of a user."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from django.db.models import Case, Max, Q, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan, LessThan

from taskrealtime import access
from taskrealtime.engine.conf.user_model import User
from taskrealtime.folding import fold, words_of
from taskrealtime.models import Comment, Task
from taskrealtime.models.tasks import has_word, is_said, number_in

#: The tasks of one search; the rest is for more words to find.
MOST = 1000
#: Characters of an excerpt, and those of them before the first match.
EXCERPT = 160
BEFORE = 40
#: Characters that an excerpt may be shorter at an end, so that it is cut between words.
NEAR = 15
#: Where an excerpt is cut.
CUT = "…"


class Excerpt(NamedTuple):
    """A part of a text, with the places of the words in it: first character, and the one after the last."""

    text: str
    spans: list[tuple[int, int]]


class Found(NamedTuple):
    """Where a task has the words."""

    title: Excerpt | None
    description: Excerpt | None
    #: With the ids of the comments, the newest first.
    comments: list[tuple[int, Excerpt]]


def words_in(search: str) -> list[str]:
    """Return the words that are looked for, each once; those that consist of accents alone are none."""
    return [word for word in dict.fromkeys(words_of(search)) if fold(word)]


def find_tasks(user: User, words: Collection[str]) -> list[int]:
    """Return the ids of the tasks that have each word and that the user may read.

    Those that have all of them in the title come first, then those changed last.
    """
    if not words:
        return []
    found = access.readable_tasks(user)
    for word in words:
        said = access.visible_comments(user).filter(is_said(word)).order_by()
        found = found.filter(has_word(word) | Q(pk__in=said.values("task_id")))
    in_title = Q()
    for word in words:
        in_title &= _is_titled(word)
    ranked = found.alias(rank=Case(When(in_title, then=0), default=1)).order_by("rank", "-updated_at", "-pk")
    return list(ranked.values_list("pk", flat=True)[:MOST])


def _is_titled(word: str) -> Q:
    """Match the tasks that have the word in the title, which ends with the first line of what is folded."""
    place = StrIndex("folded", Value(fold(word)))
    titled = Q(GreaterThan(place, 0)) & Q(LessThan(place, StrIndex("folded", Value("\n"))))
    number = number_in(word)
    return titled if number is None else titled | Q(pk=number)


def locate(tasks: Iterable[Task], words: Collection[str]) -> dict[int, Found]:
    """Return by the ids of tasks where these have the words: each in the first place of title, description, comments.

    Of several comments that have a word it is the newest.
    """
    folded = {fold(word): number_in(word) for word in words}
    found, missing = {}, {}
    for task in tasks:
        title, description = fold(task.title), fold(task.description)
        beyond = [word for word in folded if word not in title]
        missing[task.pk] = {word for word in beyond if word not in description and folded[word] != task.pk}
        found[task.pk] = Found(
            title=excerpt(task.title, folded, length=len(task.title)) if len(beyond) < len(folded) else None,
            description=excerpt(task.description, folded) if any(word in description for word in beyond) else None,
            comments=[],
        )
    for comment in _newest_with(missing):
        if (cut := excerpt(comment.content, folded)) is not None:
            found[comment.task_id].comments.append((comment.pk, cut))
    return found


def _newest_with(missing: dict[int, set[str]]) -> Iterable[Comment]:
    """Return for each task and each of the words that it lacks the newest of its comments that has it."""
    newest: set[int] = set()
    for word in set[str]().union(*missing.values()):
        of_tasks = Comment.objects.filter(task__in=[pk for pk, lacks in missing.items() if word in lacks])
        last = of_tasks.filter(is_said(word)).order_by().values("task_id").annotate(last=Max("pk"))
        newest.update(last.values_list("last", flat=True))
    return Comment.objects.filter(pk__in=newest).order_by("-pk").defer("folded") if newest else []


# --- Excerpts -------------------------------------------------------------------------------


def excerpt(text: str, folded_words: Collection[str], *, length: int = EXCERPT) -> Excerpt | None:
    """Return the part of a text around the first of the words; None if it has none of them.

    White space is single spaces in place of each character, so that an excerpt is one line.
    """
    folded, character_at = _aligned(text)
    places = [(place, len(word)) for word in folded_words if (place := folded.find(word)) >= 0]
    if not places:
        return None
    first, width = min(places)
    begin, end = _window(text, character_at(first), character_at(first + width - 1) + 1, length)
    spans = []
    for word in folded_words:
        at = folded.find(word, first)
        while at >= 0 and (start := character_at(at)) < end:
            stop = _with_marks(text, character_at(at + len(word) - 1) + 1)
            if stop <= end:
                spans.append((start, stop))
            at = folded.find(word, at + len(word))
    shown = "".join(" " if one.isspace() else one for one in text[begin:end])
    head, tail = CUT if begin > 0 else "", CUT if end < len(text) else ""
    shift = len(head) - begin
    return Excerpt(f"{head}{shown}{tail}", [(start + shift, stop + shift) for start, stop in _merged(spans)])


def _aligned(text: str) -> tuple[str, Callable[[int], int]]:
    """Return the text folded, and what says which of its characters one of the folded text comes from."""
    if text.isascii():
        return fold(text), lambda at: at
    ends = list(accumulate(_width(one) for one in text))
    return fold(text), lambda at: bisect_right(ends, at)


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    """Return how many characters one becomes: texts fold character by character."""
    return len(fold(character))


def _window(text: str, start: int, stop: int, length: int) -> tuple[int, int]:
    """Return where an excerpt around a match begins and ends: between words, where there are any near."""
    if len(text) <= length:
        return 0, len(text)
    begin = max(0, start - BEFORE)
    if begin > 0:
        near = range(begin, min(begin + NEAR, start))
        begin = next((at + 1 for at in near if text[at].isspace()), begin)
        begin = min(_with_marks(text, begin), start)
    stop = _with_marks(text, stop)
    end = max(stop, min(len(text), begin + length))
    if end < len(text):
        near = range(end, max(end - NEAR, stop), -1)
        end = next((at for at in near if text[at].isspace()), _with_marks(text, end))
    return begin, end


def _with_marks(text: str, at: int) -> int:
    """Return the place behind the accents that follow there: they belong to the character before."""
    while at < len(text) and _width(text[at]) == 0:
        at += 1
    return at


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places in order, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
