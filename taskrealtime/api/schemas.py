"""JSON Schemas of msgspec types, for both documents: what checks and writes the messages describes them, too."""

from collections.abc import Sequence
from typing import Any

import msgspec

Schema = dict[str, Any]

REF_TEMPLATE = "#/components/schemas/{name}"


def describe(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schemas of types, and by name the ones that they refer to."""
    schemas, components = msgspec.json.schema_components(types, schema_hook=_anything, ref_template=REF_TEMPLATE)
    return list(schemas), components


def reference(type: type[msgspec.Struct]) -> Schema:
    """Where the schema of a struct is found."""
    return {"$ref": REF_TEMPLATE.format(name=type.__name__)}


def always_written(type: type[msgspec.Struct]) -> list[str]:
    """The fields that every encoding of a struct has, those with a default among them."""
    fields = msgspec.structs.fields(type)
    if type.__struct_config__.omit_defaults:
        return [field.encode_name for field in fields if field.required]
    return [field.encode_name for field in fields if field.default is not msgspec.UNSET]


def _anything(type: Any) -> Schema:
    """For fields declared as `object`; to msgspec an empty schema would be none."""
    if type is not object:
        raise NotImplementedError
    return {"description": "Any JSON."}
