"""The documentation as a site: python -m sphinx -W --keep-going -b html docs/site OUT.

Run it from the root of the repository, after pip install -e ".[docs]". It needs no network, and
neither do its pages.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # arrays are small here

project = "Chainrule"
project_copyright = "the authors of Chainrule, under the MIT licence"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "docs.site.making.borrowed",
    "docs.site.making.covered",
    "docs.site.making.docstrings",
    "docs.site.making.drawing",
    "docs.site.making.layer_pages",
]
exclude_patterns = ["making", "layer/overview.md"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
add_module_names = False
maximum_signature_line_length = 80
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "Chainrule"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#2b6197",
        "color-brand-content": "#2b6197",
        "circuit-paper": "#ffffff",
        "circuit-gate": "#f6f8fa",
        "circuit-ink": "#24292f",
        "circuit-edge": "#57606a",
        "circuit-wire": "#8c959f",
        "circuit-value": "#116329",
        "circuit-gradient": "#cf222e",
        "circuit-parameter": "#ddf4ff",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db4ee",
        "color-brand-content": "#7db4ee",
        "circuit-paper": "transparent",
        "circuit-gate": "#2a2f36",
        "circuit-ink": "#dfe3e8",
        "circuit-edge": "#a3adb8",
        "circuit-wire": "#7d8792",
        "circuit-value": "#6fd08c",
        "circuit-gradient": "#ff8a86",
        "circuit-parameter": "#173a57",
    },
}
