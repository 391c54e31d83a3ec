"""The operators' API as an OpenAPI document."""

import yaml

from chatfold.api import openapi
from docs.generation import Documents
from docs.generation.asyncapi import NOTICE, version


def documents() -> Documents:
    """One YAML file."""
    text = yaml.safe_dump(
        openapi.document(version()), sort_keys=False, allow_unicode=True, width=100
    )
    return {"docs/reference/openapi.yaml": NOTICE + text}
