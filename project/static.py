"""How static files are named and compressed once they are collected."""

import re
from typing import Any

from django.core.files.base import ContentFile
from servestatic.storage import CompressedManifestStaticFilesStorage

#: Comments that fill lines of their own: they are for readers of the code, and weigh more than half of it.
_COMMENTS = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.DOTALL | re.MULTILINE)


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash of the content, also in the `import … from "./module.js"` of our ES modules, without comments.

    Before `collectstatic` has run there are no such names: then the files are served as they lie in the checkout, so
    that `daphne project.asgi:application` alone serves a working page.
    """

    # Off in Django by default; without it a module would import its neighbours under names that caches hold on to.
    support_js_module_import_aggregation = True
    # In the worst order of files a pass settles one step of a chain of imports; ours are seven modules long, and Django
    # gives up after five passes.
    max_post_process_passes = 20

    def stored_name(self, name: str) -> str:
        """The hashed name of a collected file; its own name where nothing was collected."""
        return super().stored_name(name) if self.hashed_files else name

    def _save(self, name: str, content: Any) -> str:
        """As Django's, for a module of ours without its comments."""
        if re.fullmatch(r"(taskrealtime/)?js/\w+/.*\.js", name):
            content.seek(0)  # it may have been saved before, under another name
            content = ContentFile(_COMMENTS.sub("", content.read().decode()).encode())
        return super()._save(name, content)
