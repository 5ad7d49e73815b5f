"""Pictures of graphs: SVG, a page that steps through both passes, sliders for a notebook; and of
layers in a row."""

from chainrule.nets.picture.drawing import Drawing
from chainrule.nets.picture.picture import Picture

__all__ = ["Drawing", "Picture"]
