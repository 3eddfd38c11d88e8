from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from inventario.forms import KeyedForm


class UploadForm(KeyedForm):
    file = FileField(_l("Archivo CSV o Excel (.xlsx)"), validators=[FileRequired(_l("Elija un archivo."))])
