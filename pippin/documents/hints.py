"""Suggestions for unknown words: names from other libraries, other spellings, and similar words."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

# Within these limits a hint takes at most 30 ms.
_MAX_CHARACTERS, _MAX_KNOWN = 32, 100

# Names in Keras, PyTorch, scikit-learn and Core ML, folded (see `_folded`) -> the names in Pippin, of which the first
# name that is valid in the place is suggested.
_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    # hyperparameters
    "lr": ("learning_rate",),
    "eta": ("learning_rate",),
    "stepsize": ("learning_rate",),
    "learningrateinit": ("learning_rate",),
    "learnrate": ("learning_rate",),
    "batchsize": ("mini_batch_size",),
    "batch": ("mini_batch_size",),
    "bs": ("mini_batch_size",),
    "minibatch": ("mini_batch_size",),
    "trainbatchsize": ("mini_batch_size",),
    "perdevicetrainbatchsize": ("mini_batch_size",),
    "numepochs": ("epochs",),
    "numepoch": ("epochs",),
    "nepochs": ("epochs",),
    "nbepoch": ("epochs",),
    "maxepochs": ("epochs",),
    "numtrainepochs": ("epochs",),
    "numberofepochs": ("epochs",),
    "epoch": ("epochs",),
    "maxiter": ("epochs",),
    "epsilon": ("eps",),
    "adamepsilon": ("eps",),
    "momentumdecay": ("momentum",),
    "betaone": ("beta1",),
    "betatwo": ("beta2",),
    "k": ("number_of_neighbors",),
    "nneighbors": ("number_of_neighbors",),
    "numneighbors": ("number_of_neighbors",),
    "neighbors": ("number_of_neighbors",),
    "numberofneighbours": ("number_of_neighbors",),
    "randomseed": ("seed",),
    "randomstate": ("seed",),
    "validationsplit": ("validation_fraction",),
    "testsize": ("validation_fraction",),
    "validationdata": ("validation",),
    "valsplit": ("validation_fraction",),
    "device": ("compute_units", "engine"),
    "computeunit": ("compute_units",),
    "backend": ("engine",),
    "timeout": ("timeout_seconds",),
    "tags": ("labels",),
    "split": ("train",),
    "trainsplit": ("train",),
    "every": ("every_epochs",),
    "everynepochs": ("every_epochs",),
    "title": ("name",),
    "data": ("dataset",),
    "datasets": ("dataset",),
    "network": ("model",),
    "hparams": ("hyperparameters",),
    "params": ("hyperparameters",),
    "hyperparams": ("hyperparameters",),
    # keys of a spec
    "input": ("inputs",),
    "output": ("outputs",),
    "layer": ("layers",),
    "optim": ("optimizer",),
    "optimiser": ("optimizer",),
    "lossfunction": ("loss",),
    "criterion": ("loss",),
    "specificationversion": ("version",),
    "classlabels": ("labels", "classifier"),
    # fields of layers
    "units": ("output_channels",),
    "outfeatures": ("output_channels",),
    "outchannels": ("output_channels",),
    "filters": ("output_channels",),
    "numfilters": ("output_channels",),
    "infeatures": ("input_channels",),
    "inchannels": ("input_channels", "kernel_channels"),
    "poolsize": ("kernel_size",),
    "kernel": ("kernel_size",),
    "kernelshape": ("kernel_size",),
    "strides": ("stride",),
    "dilationrate": ("dilation",),
    "dilations": ("dilation",),
    "usebias": ("has_bias",),
    "kernelinitializer": ("initializer",),
    "trainable": ("updatable",),
    "isupdatable": ("updatable",),
    # types of layers
    "dense": ("inner_product",),
    "fc": ("inner_product",),
    "fullyconnected": ("inner_product",),
    "gemm": ("inner_product",),
    "linearlayer": ("inner_product",),
    "conv": ("convolution",),
    "conv1d": ("convolution",),
    "conv2d": ("convolution",),
    "convolution2d": ("convolution",),
    "convolution1d": ("convolution",),
    "depthwiseconv2d": ("convolution",),
    "conv2dtranspose": ("deconvolution",),
    "convtranspose2d": ("deconvolution",),
    "convtranspose": ("deconvolution",),
    "maxpool": ("pooling",),
    "maxpool1d": ("pooling",),
    "maxpool2d": ("pooling",),
    "maxpooling1d": ("pooling",),
    "maxpooling2d": ("pooling",),
    "maxpooling": ("pooling",),
    "avgpool": ("pooling",),
    "avgpool2d": ("pooling",),
    "averagepool": ("pooling",),
    "averagepooling": ("pooling",),
    "averagepooling2d": ("pooling",),
    "globalaveragepooling2d": ("pooling",),
    "globalmaxpooling2d": ("pooling",),
    "adaptiveavgpool2d": ("pooling",),
    "batchnormalization": ("batchnorm",),
    "batchnorm1d": ("batchnorm",),
    "batchnorm2d": ("batchnorm",),
    "bn": ("batchnorm",),
    "lstm": ("uni_directional_lstm",),
    "bidirectional": ("bi_directional_lstm",),
    "bilstm": ("bi_directional_lstm",),
    "simplernn": ("simple_recurrent",),
    "rnn": ("simple_recurrent",),
    "upsampling2d": ("upsample",),
    "zeropadding2d": ("padding",),
    "zeropad2d": ("padding",),
    "cropping2d": ("crop",),
    "concatenate": ("concat",),
    "cat": ("concat",),
    "leakyrelu": ("leaky_relu",),
    "hardsigmoid": ("sigmoid_hard",),
    "logsoftmax": ("softmax",),
    "localresponsenorm": ("lrn",),
    "flattento2d": ("flatten",),
    "softmaxnd": ("softmax",),
    # losses
    "mse": ("mean_squared_error",),
    "mseloss": ("mean_squared_error",),
    "l2": ("mean_squared_error",),
    "l2loss": ("mean_squared_error",),
    "squarederror": ("mean_squared_error",),
    "crossentropy": ("categorical_cross_entropy",),
    "crossentropyloss": ("categorical_cross_entropy",),
    "categoricalcrossentropyloss": ("categorical_cross_entropy",),
    "sparsecategoricalcrossentropy": ("categorical_cross_entropy",),
    "softmaxcrossentropy": ("categorical_cross_entropy",),
    "nll": ("categorical_cross_entropy",),
    "nllloss": ("categorical_cross_entropy",),
    "logloss": ("categorical_cross_entropy",),
    "bce": ("categorical_cross_entropy",),
    "bceloss": ("categorical_cross_entropy",),
    "binarycrossentropy": ("categorical_cross_entropy",),
    # optimizers
    "adamw": ("adam",),
    "adamax": ("adam",),
    "nadam": ("adam",),
    "rmsprop": ("adam",),
    "gradientdescent": ("sgd",),
    "sgdwithmomentum": ("sgd",),
    # query parameters
    "label": ("target",),
    "y": ("target",),
    "labelcolumn": ("target",),
    "targetcolumn": ("target",),
    "class": ("target",),
    "columns": ("inputs",),
    "features": ("inputs",),
    "x": ("inputs",),
    "rescale": ("scale",),
    "normalize": ("scale",),
    "inputshape": ("shape",),
    "imagesize": ("shape",),
    "hasheader": ("header",),
    "grayscale": ("gray", "color"),
    "greyscale": ("gray", "color"),
    "grey": ("gray",),
    "colour": ("color",),
    "colormode": ("color",),
    "l": ("gray",),
    "rgba": ("rgb",),
    "filetype": ("format",),
    "type": ("format",),
    "pagesize": ("limit",),
    "perpage": ("limit",),
    "count": ("limit",),
    "max": ("limit",),
    "cursor": ("after",),
    "offset": ("after",),
    "next": ("after",),
    "page": ("after",),
    "since": ("after",),
    "state": ("status",),
    "filename": ("name",),
}

# For words without a synonym: the reason why Pippin does not have them.
_NOTES: Final[Mapping[str, str]] = {
    "dropout": "Core ML has no dropout: leave it out",
    "dropoutrate": "Core ML has no dropout: leave it out",
    "betas": "use beta1 and beta2",
    "weightdecay": "Core ML's optimizers have no weight decay: leave it out",
    "decay": "Core ML's optimizers have no weight decay: leave it out",
    "l2regularization": "Core ML's optimizers have no weight decay: leave it out",
    "nesterov": "Core ML's SGD has no Nesterov momentum: leave it out",
    "amsgrad": "Core ML's Adam has no AMSGrad: leave it out",
    "scheduler": "the learning rate stays the same over a job: give learning_rate",
    "lrscheduler": "the learning rate stays the same over a job: give learning_rate",
    "learningratescheduler": "the learning rate stays the same over a job: give learning_rate",
    "warmupsteps": "the learning rate stays the same over a job: give learning_rate",
    "clipnorm": "Core ML's optimizers do not clip gradients: leave it out",
    "gradclip": "Core ML's optimizers do not clip gradients: leave it out",
    "optimizer": "the optimizer belongs to the model: a spec has it under optimizer",
    "loss": "the loss belongs to the model: a spec has it under loss",
    "metrics": "loss and accuracy are always measured: remove it",
    "activation": "an activation is a layer of its own, such as {type: relu}, after this one",
    "inputlayer": "inputs are listed under inputs, not among the layers",
    "input": "inputs are listed under inputs, not among the layers",
    "delimiter": "the delimiter is recognised: commas, semicolons and tabs",
    "sep": "the delimiter is recognised: commas, semicolons and tabs",
    "usecols": "name the columns under inputs, as size:width,height;age",
}

# Names that differ from an activation of Core ML by case only: PyTorch calls the fully connected layer `Linear`.
_AS_WRITTEN: Final[Mapping[str, str]] = {"Linear": "inner_product"}


class Hints:
    """Suggests known words for the first unknown words of one document.

    Comparing two words takes time up to the cube of their length: 1,800 unknown names of 190 characters, in a spec of
    1 MB, took more than four minutes.

    Args:
        max_words: The number of words to compare; further words get no hint.
    """

    def __init__(self, max_words: int = 20) -> None:
        self._remaining = max_words
        self._known: dict[tuple[str, tuple[str, ...]], str | None] = {}

    def suggestion_for(self, word: str, known: Collection[str]) -> str | None:
        """The known word that `word` is a synonym of or most similar to; None for no such word, or a long `word`."""
        if len(word) > _MAX_CHARACTERS or len(known) > _MAX_KNOWN:
            return None
        key = (word, tuple(known))
        if key not in self._known:
            if not self._remaining:
                return None
            self._remaining -= 1
            self._known[key] = synonym(word, known) or (None if note_of(word) else most_similar(word, known))
        return self._known[key]

    def text_for(self, word: str, known: Collection[str]) -> str:
        """A hint for a message about the unknown `word`; empty for a word without a hint."""
        if suggestion := self.suggestion_for(word, known):
            return f"; did you mean {suggestion!r}?"
        note = note_of(word)
        return f"; {note}" if note else ""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint for a message about the unknown `word`; empty where no known word is similar.

    For a document that may contain many unknown words, use `Hints`.
    """
    return Hints(1).text_for(word, known)


def synonym(word: str, known: Collection[str]) -> str | None:
    """The known word that `word` is a synonym or spelling of, such as `miniBatchSize`; None for no such word."""
    if len(word) > _MAX_CHARACTERS:
        return None
    if (written := _AS_WRITTEN.get(word)) in known:
        return written
    folded = _folded(word)
    spelled = next((name for name in known if name != word and _folded(name) == folded), None)
    return spelled or next((name for name in _SYNONYMS.get(folded, ()) if name in known), None)


def note_of(word: str) -> str | None:
    """The reason why Pippin does not have `word`; None for a word without an explanation."""
    return _NOTES.get(_folded(word)) if len(word) <= _MAX_CHARACTERS else None


def most_similar(word: str, known: Collection[str]) -> str | None:
    """The known word most similar to `word`, ignoring case; None where no word is similar."""
    names = {name.lower(): name for name in known if len(name) <= 2 * _MAX_CHARACTERS}
    close = get_close_matches(word.lower(), names, n=1)
    return names[close[0]] if close else None


def _folded(word: str) -> str:
    return re.sub("[^0-9a-z]", "", word.lower())
