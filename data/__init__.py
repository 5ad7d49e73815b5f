"""Labelled data for classifiers, as a `Dataset` of three parts: training, validation, test.

- `load_digits`: 1,797 handwritten digits of 8 × 8 pixels, shipped with the package
- `load_mnist`, `load_cifar10`: from a folder, or downloaded once and checked
- `load_csv`, `load_npz`, `load_file`: your own files
- `load_images`: a folder of PNG and JPEG files, a subfolder for each class
- `from_frame`: a data frame, as `Dataset.from_frame`
- `load_rows`: rows for a trained network to judge, labelled or not, in the order of their file
- `spirals`, `moons`, `circles`, `blobs`, `xor`: points in the plane
- `Pixels`: images as bytes, which become floats batch by batch
- `stratified_split`: divides rows so that every part has the classes in the same proportion
- `balanced_weights`: weights of rows under which all classes count the same
- `Flip`, `Crop`, `Shift`: augmentation, for a solver to apply to each batch of pictures
- `Standardiser`: brings new rows to the scale of a dataset that is `standardised()`
"""

from chainrule.data.augment import Crop, Flip, Shift
from chainrule.data.cifar10 import load_cifar10
from chainrule.data.csv_file import load_csv
from chainrule.data.dataset import Dataset
from chainrule.data.digits import load_digits
from chainrule.data.files import load_file
from chainrule.data.frame import from_frame
from chainrule.data.image_folder import load_images
from chainrule.data.mnist import load_mnist
from chainrule.data.npz_file import load_npz
from chainrule.data.pixels import Pixels
from chainrule.data.rows import load_rows
from chainrule.data.splits import stratified_split
from chainrule.data.standardiser import Standardiser
from chainrule.data.toy import blobs, circles, moons, spirals, xor
from chainrule.data.weights import balanced_weights

__all__ = [
    "Crop",
    "Dataset",
    "Flip",
    "Pixels",
    "Shift",
    "Standardiser",
    "balanced_weights",
    "blobs",
    "circles",
    "from_frame",
    "load_cifar10",
    "load_csv",
    "load_digits",
    "load_file",
    "load_images",
    "load_mnist",
    "load_npz",
    "load_rows",
    "moons",
    "spirals",
    "stratified_split",
    "xor",
]
