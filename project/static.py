"""How static files are named and compressed once they are collected."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash of the content, also in the `import … from "./module.js"` of our ES modules.

    Before `collectstatic` has run there are no such names: then the files are served as they lie in the checkout, so
    that `daphne project.asgi:application` alone serves a working page.
    """

    # Off in Django by default; without it a module would import its neighbours under names that caches hold on to.
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """The hashed name of a collected file; its own name where nothing was collected."""
        return super().stored_name(name) if self.hashed_files else name
