"""Pictures of layers, networks and training, each made by one call.

- `activations`: the curve of each activation and its derivative, with the parts where it is flat
  and hardly learns
- `decision_boundary`: the regions that a classifier takes for each class in the plane, and the
  points it was trained and tested on
- `loss_surface`: level lines of a function of two parameters, with the path of each update rule
  from one start; `descend` gives such a path as an array
- `loss_slice`: the loss of a network in a plane through its parameters: two random directions,
  two given ones, or those of the path of its training
- `gradient_flow`: how outputs and gradients spread in each layer of a network at one moment: do
  they vanish, do they explode?
- `kernels`: what the channels of a network's first convolution look for
- `feature_maps`: what each layer of such a network makes of one image
- `saliency_maps`: images, and beside each which of its pixels move the score of its class;
  `saliency` gives the map as an array, for any network, and `score_gradient` what it is made of
- `ascend`, `fool`: images that climb along that gradient, to what a network takes for a class
- `Monitor`: watches the layers while a network is trained, as a callback of the solver; its
  `records` are numbers that JSON can hold
- `outputs_over_time`, `gradients_over_time`, `units_over_time`, `updates_over_time`: pictures of
  a monitor's records: outputs, gradients, dead and saturated units, and the size of the steps

Those that draw return a `Picture`: a notebook shows it at the end of a cell,
`save("name.png")` or `.svg` writes it, `figure()` is the matplotlib figure, and `reading` says how
to read it. Circuits draw themselves: `graph.draw(…)`, see `nets.Graph`.
"""

from chainrule.pictures.boundary import decision_boundary
from chainrule.pictures.convolution import feature_maps, kernels
from chainrule.pictures.descent import descend, loss_surface
from chainrule.pictures.drawing import Panel, Picture
from chainrule.pictures.flow import gradient_flow
from chainrule.pictures.gallery import activations
from chainrule.pictures.image_gradients import (
    ascend,
    fool,
    saliency,
    saliency_maps,
    score_gradient,
)
from chainrule.pictures.monitor import Monitor
from chainrule.pictures.over_time import (
    gradients_over_time,
    outputs_over_time,
    units_over_time,
    updates_over_time,
)
from chainrule.pictures.slices import loss_slice

__all__ = [
    "Monitor",
    "Panel",
    "Picture",
    "activations",
    "ascend",
    "decision_boundary",
    "descend",
    "feature_maps",
    "fool",
    "gradient_flow",
    "gradients_over_time",
    "kernels",
    "loss_slice",
    "loss_surface",
    "outputs_over_time",
    "saliency",
    "saliency_maps",
    "score_gradient",
    "units_over_time",
    "updates_over_time",
]
