"""Pictures of graphs: SVG, a page that steps through both passes, sliders for a notebook."""

from chainrule.nets.picture.picture import Picture

__all__ = ["Picture"]
