"""What is recorded besides the table's rows: helpers of the engine, doors of values, and effects."""

from __future__ import annotations

HELPERS = {  # module: functions that compute on arrays between rows
    "engine.accumulate": ("ones_like", "unbroadcast", "cast"),
    "engine.views": ("duplicate", "store"),
    "ops.creation.arange_eye": ("hot",),
    "ops.argument_names": ("built",),
    "ops.creation.creation": ("_array",),
    "ops.indexing.index_keys": ("overwrite", "overwrite_at"),
    "ops.indexing.index": ("within", "_mask", "from_front", "_grid"),
    "ops.indexing.index_put": ("integers", "places_of"),
    "ops.neural.attention.attention": ("causal", "additive"),
    "ops.neural.convolution.conv": ("check",),
    "ops.neural.embedding": ("_checked", "_frequencies", "bags_of", "factors_of", "one_over_sizes", "renormalize"),
    "ops.neural.loss.margin": ("listed_classes", "other_classes"),
    "ops.neural.loss.regression": ("probabilities",),
    "ops.neural.normalization.layer_norm": ("_follow",),
    "ops.linalg.decompositions": ("lapack_svd", "_complete_qr"),
    "ops.neural.loss.ctc": ("_lengths", "_texts", "_at_least_one"),
    "ops.pointwise.comparison": ("_close", "_among"),
    "ops.reduction.min_max": ("place_of", "_nonzeros"),
    "ops.reduction.unique_histogram": ("_found_in", "_in_bins"),
    "ops.reduction.sort_topk": ("_order", "_top"),
    "ops.reduction.cumulative": ("extremes_at",),
    "ops.pointwise.floating_point": ("binary_exponents", "exponents"),
    "ops.reduction.quantiles": ("_checked_points", "_last_numbers", "_neighbours", "found_at"),
    "ops.reduction.statistics": ("_not_negative",),
    "ops.neural.activation.gated": ("gumbel", "to_vertex"),
    "ops.neural.activation.piecewise": ("random_slopes",),
    "ops.neural.loss.distribution": ("variances",),
    "ops.neural.pooling.max_pool": ("_maxima", "counted"),
    "ops.neural.pooling.max_unpool": ("_in_cells",),
    "ops.neural.dropout": ("kept_or_saturated", "mask_of"),
    "ops.neural.loss.cross_entropy": ("smoothed", "mixed_targets", "as_dtype"),
    "ops.neural.vision.grid_sample": ("_corners", "_pixels_at"),
    "ops.random.random_streams": ("uniform", "gaussian", "permutation", "whole_numbers"),
    "ops.random.in_place": ("_uniform", "_normal", "_log_normal", "_exponential", "_cauchy", "_geometric"),
    "ops.random.distributions": ("_normal_about",),
    "ops.random.multinomial_bernoulli": ("probabilities", "successes", "_events", "_of_trials", "_places_drawn"),
    "masked": ("_count", "_free_count", "_shaped"),
    "ops.linalg.ex_variants": ("_raised", "zero_pivots"),
    "ops.linalg.lu": ("_checked_order", "_eliminated", "_exchanged", "_permutation", "_regular"),
    "ops.signal.stft": ("leave_no_gap",),
    "promotion": ("_to", "to_floats"),
    "rules": ("narrow",),
}
SHAPED_BY_VALUES = {  # functions of whose results the shapes depend on values: nothing else of them is read
    "ops.neural.embedding": ("bags_of_some", "first_largest", "without_padding"),
    "ops.neural.loss.ctc": ("texts_of_lengths",),
}
RECORDED = frozenset(name for table in (HELPERS, SHAPED_BY_VALUES) for names in table.values() for name in names)
TAKE_TENSORS = frozenset(
    {
        "integers",
        "check",
        "_checked",
        "within",
        "_mask",
        "probabilities",
        "_follow",
        "renormalize",
        "_shaped",
        "bags_of",
        "listed_classes",
        "other_classes",
        "_count",
        "_free_count",
        "_checked_order",
        "_eliminated",
        "_regular",
        "_checked_points",
        "_last_numbers",
        "_neighbours",
        "_not_negative",
        "exponents",
        "_exchanged",
        "_permutation",
        "zero_pivots",
        "_lengths",
        "_texts",
        "_raised",
        "_pixels_at",
    }
)  # for arrays
DRAWS = (
    "uniform", "gaussian", "permutation", "whole_numbers", "_uniform", "_normal", "_log_normal", "_exponential",
    "_cauchy", "_geometric", "_normal_about", "successes", "_events", "_of_trials", "_places_drawn", "mask_of",
    "kept_or_saturated", "gumbel", "random_slopes",
)  # fmt: skip
HOOKS_OF_CALLS = ("forward_pre", "forward", "backward_pre", "backward")
STORES = ("store", "overwrite", "overwrite_at")
DOORS = (
    "item", "tolist", "numpy", "data_ptr", "apply_", "map_", "__array__", "__float__", "__int__", "__complex__",
    "__bool__", "__index__", "__format__", "__contains__", "__repr__", "__dlpack__",
)  # fmt: skip
EFFECTS = {  # class: methods that are called again, in it and below it
    "optim.optimizer.Optimizer": ("step", "zero_grad"),
    "optim.lr_scheduler.base.LRScheduler": ("step",),
    "nn.module.Module": ("zero_grad",),
    "ops.random.generator.Generator": ("manual_seed",),
}
