"""How static files are named once collected."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedModulesStorage(ManifestStaticFilesStorage):
    """Hashed names, also inside `import … from "./module.js"` of our ES modules.

    The `support_js_module_import_aggregation` switch is off in Django by default; without it a
    module would import its neighbours under names that caches may hold in older versions.
    """

    support_js_module_import_aggregation = True
