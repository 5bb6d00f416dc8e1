# SPDX-License-Identifier: Apache-2.0
"""The parts of an OpenAPI schema as Kubernetes wants it, each with its bounds."""


def _part(kind, description, rules=(), **more):
    part = {"description": description} if description else {}
    part["type"] = kind
    part.update(more)
    if rules:
        part["x-kubernetes-validations"] = list(rules)
    return part


def rule(cel, message, path=None, reason=None):
    """A rule in CEL about `self`; message begins where the path of the field ends. path: of a field in it to blame."""
    made = {"rule": cel, "message": message}
    if reason:
        made["reason"] = reason
    if path:
        made["fieldPath"] = path
    return made


def required(cel, message, path=None):
    return rule(cel, message, path, "FieldValueRequired")


def forbidden(cel, message, path=None):
    return rule(cel, message, path, "FieldValueForbidden")


def text(description, most=None, least=None, enum=None, default=None, rules=()):
    bounds = {}
    if enum:
        bounds["enum"] = enum
    if most:
        bounds["maxLength"] = most
    if least:
        bounds["minLength"] = least
    if default:
        bounds["default"] = default
    return _part("string", description, rules, **bounds)


def name(description, such_as):
    """The name of an object."""
    return text(description, 253, rules=[
        rule("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
             f"must be the name of an object: lower-case letters, digits, '-' and '.', such as {such_as}")])


def boolean(description):
    return _part("boolean", description)


def integer(description, least, most=None, default=None, size="int32"):
    bounds = {"format": size, "minimum": least}
    if most is not None:
        bounds["maximum"] = most
    if default is not None:
        bounds["default"] = default
    return _part("integer", description, **bounds)


def array(description, items, most, least=None, rules=()):
    bounds = {"maxItems": most}
    if least:
        bounds["minItems"] = least
    return _part("array", description, rules, **bounds, items=items)


def mapping(description, values, most, least, rules=()):
    return _part("object", description, rules, maxProperties=most, minProperties=least, additionalProperties=values)


def obj(description, fields, needs=(), rules=()):
    more = {"required": list(needs)} if needs else {}
    return _part("object", description, rules, **more, properties=fields)


def opaque(description):
    """Whatever is in it stays in it, unread."""
    return _part("object", description, **{"x-kubernetes-preserve-unknown-fields": True})
