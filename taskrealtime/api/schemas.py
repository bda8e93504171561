"""JSON Schemas of msgspec types, for both documents: what checks and writes the messages describes them, too."""

from collections.abc import Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from taskrealtime.contract import events

Schema = dict[str, Any]

#: What JSON Schema calls the types of listed values.
_TYPES = {str: "string", int: "integer", bool: "boolean", type(None): "null"}


def _values(alias: Any) -> frozenset[Any]:
    """Return the values of a `Literal`, or of several."""
    if get_origin(alias) is Literal:
        return frozenset(get_args(alias))
    parts = [_values(part) for part in get_args(alias)] if get_origin(alias) in {Union, UnionType} else []
    return frozenset().union(*parts) if all(parts) else frozenset()


#: By their values, the names of the enumerations of the catalogue.
_ENUMERATIONS = {values: name for name, alias in vars(events).items() if (values := _values(alias))}

REF_TEMPLATE = "#/components/schemas/{name}"


def describe(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schemas of types, and by name the ones that they refer to."""
    schemas, components = msgspec.json.schema_components(types, schema_hook=_anything, ref_template=REF_TEMPLATE)
    described = [*schemas, *components.values()]
    for schema in described:
        _name_types(schema)
    return list(schemas), components


def _name_types(schema: Any) -> None:
    """Say of every list of values which type they have, and its name: generators of clients ask for them."""
    if isinstance(schema, list):
        for item in schema:
            _name_types(item)
    if isinstance(schema, dict):
        values = schema.get("enum")
        if isinstance(values, list) and "type" not in schema:
            types = sorted({_TYPES[type(value)] for value in values})
            schema["type"] = types[0] if len(types) == 1 else types
            if len(values) == 1:
                (schema["const"],) = schema.pop("enum")
            elif name := _ENUMERATIONS.get(frozenset(values) - {None}):
                schema["title"] = name
        for item in schema.values():
            _name_types(item)


def reference(type: type[msgspec.Struct]) -> Schema:
    """Return where the schema of a struct is found."""
    return {"$ref": REF_TEMPLATE.format(name=type.__name__)}


def always_written(type: type[msgspec.Struct]) -> list[str]:
    """Return the fields that every encoding of a struct has, those with a default among them."""
    fields = msgspec.structs.fields(type)
    if type.__struct_config__.omit_defaults:
        return [field.encode_name for field in fields if field.required]
    return [field.encode_name for field in fields if field.default is not msgspec.UNSET]


def _anything(type: Any) -> Schema:
    """For fields declared as `object`; to msgspec an empty schema would be none."""
    if type is not object:
        raise NotImplementedError
    return {"description": "Any JSON."}
