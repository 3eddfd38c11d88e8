"""An option of a select or radio field."""

# the stubs are those of an older WTForms
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

__all__ = ["SelectChoice"]
