"""MANUAL: the headings of PyTorch's manual, the names that stand under each, and the room of `ops/` that has them.

The names are those of the pages `torch`, `torch.linalg`, `torch.special` and `torch.nn.functional` of version 2.13, as
far as they are operations and are here. Where a heading has several rooms, as "Other Operations" must, a name stands
under the one where somebody would look who knows what it does.
"""

from __future__ import annotations

MANUAL: dict[str, dict[str, str]] = {
    "Creation Ops": {
        "creation": """
            tensor asarray as_tensor frombuffer zeros zeros_like ones ones_like arange range linspace
            logspace eye empty empty_like empty_strided full full_like from_numpy
        """,
        "pointwise": "complex polar heaviside",
        "shape": "as_strided",
    },
    "Indexing, Slicing, Joining, Mutating Ops": {
        "indexing": """
            argwhere gather index_add index_copy index_reduce index_select masked_select nonzero scatter
            scatter_add scatter_reduce take take_along_dim unravel_index
        """,
        "pointwise": "conj where",
        "shape": """
            adjoint cat concat concatenate chunk dsplit column_stack dstack hsplit hstack movedim moveaxis
            narrow narrow_copy permute reshape row_stack select diagonal_scatter select_scatter
            slice_scatter split squeeze stack swapaxes swapdims t tensor_split tile transpose unbind
            unsqueeze vsplit vstack
        """,
    },
    "Random sampling": {
        "random": """
            seed manual_seed initial_seed get_rng_state set_rng_state bernoulli multinomial normal poisson
            rand rand_like randint randint_like randn randn_like randperm
        """,
    },
    "Pointwise Ops": {
        "pointwise": """
            abs absolute acos arccos acosh arccosh add addcdiv addcmul angle asin arcsin asinh arcsinh atan
            arctan atanh arctanh atan2 arctan2 bitwise_not bitwise_and bitwise_or bitwise_xor
            bitwise_left_shift bitwise_right_shift ceil clamp clip conj_physical copysign cos cosh deg2rad
            div divide exp exp2 expm1 fix float_power floor floor_divide fmod frac frexp imag ldexp lerp log
            log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit hypot
            mul multiply nan_to_num neg negative nextafter positive pow rad2deg real reciprocal remainder
            round rsqrt sigmoid sign sgn signbit sin sinc sinh sqrt square sub subtract tan tanh true_divide
            trunc xlogy
        """,
        "reduction": "softmax",
        "signal": "gradient",
        "special": "digamma erf erfc erfinv i0 igamma igammac lgamma mvlgamma polygamma",
    },
    "Reduction Ops": {
        "linalg": "dist norm",
        "reduction": """
            argmax argmin amax amin aminmax all any max min logsumexp mean nanmean median nanmedian mode
            nansum prod quantile nanquantile std std_mean sum unique unique_consecutive var var_mean
            count_nonzero
        """,
    },
    "Comparison Ops": {
        "pointwise": """
            allclose eq equal ge greater_equal gt greater isclose isfinite isin isinf isposinf isneginf
            isnan isreal le less_equal lt less maximum minimum fmax fmin ne not_equal
        """,
        "reduction": "argsort kthvalue sort topk msort",
    },
    "Spectral Ops": {
        "creation": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
        "signal": "stft istft",
    },
    "Other Operations": {
        "creation": "tril_indices triu_indices",
        "indexing": "tril triu",
        "linalg": "cross einsum kron renorm tensordot",
        "neural": "cdist",
        "pointwise": "gcd lcm view_as_real view_as_complex resolve_conj resolve_neg",
        "reduction": """
            bincount bucketize corrcoef cov cummax cummin cumprod cumsum diff histc histogram histogramdd
            logcumsumexp searchsorted trace
        """,
        "shape": """
            atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to cartesian_prod clone
            combinations diag diag_embed diagflat diagonal flatten flip fliplr flipud rot90 meshgrid ravel
            repeat_interleave roll unflatten
        """,
        "signal": "vander",
    },
    "BLAS and LAPACK Operations": {
        "linalg": """
            addbmm addmm addmv addr baddbmm bmm chain_matmul cholesky cholesky_inverse cholesky_solve dot
            geqrf ger inner inverse det logdet slogdet lu lu_solve lu_unpack matmul matrix_power matrix_exp
            mm mv orgqr ormqr outer pinverse qr svd svd_lowrank pca_lowrank lobpcg triangular_solve vdot
        """,
        "reduction": "trapz trapezoid cumulative_trapezoid",
    },
    "Foreach Operations": {
        "pointwise": "_foreach_abs _foreach_exp _foreach_sqrt _foreach_neg _foreach_sigmoid",
    },
    "torch.linalg": {
        "linalg": """
            linalg.norm linalg.vector_norm linalg.matrix_norm linalg.det linalg.slogdet linalg.cond
            linalg.matrix_rank linalg.cholesky linalg.qr linalg.lu linalg.lu_factor linalg.eig
            linalg.eigvals linalg.eigh linalg.eigvalsh linalg.svd linalg.svdvals linalg.solve
            linalg.solve_triangular linalg.lu_solve linalg.lstsq linalg.inv linalg.pinv linalg.matrix_exp
            linalg.matrix_power linalg.matmul linalg.vecdot linalg.multi_dot linalg.householder_product
            linalg.tensorinv linalg.tensorsolve linalg.cholesky_ex linalg.inv_ex linalg.solve_ex
            linalg.lu_factor_ex linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve
        """,
        "signal": "linalg.vander",
    },
    "torch.special": {
        "pointwise": """
            special.exp2 special.expit special.expm1 special.log1p special.logit special.round special.sinc
            special.xlogy
        """,
        "reduction": "special.log_softmax special.logsumexp special.softmax",
        "special": """
            special.digamma special.entr special.erf special.erfc special.erfcx special.erfinv
            special.gammainc special.gammaincc special.gammaln special.i0 special.i0e special.i1 special.i1e
            special.log_ndtr special.multigammaln special.ndtr special.ndtri special.polygamma special.psi
            special.xlog1py special.zeta
        """,
    },
    "Convolution functions": {
        "neural.convolution": """
            F.conv1d F.conv2d F.conv3d F.conv_transpose1d F.conv_transpose2d F.conv_transpose3d F.unfold
            F.fold
        """,
    },
    "Pooling functions": {
        "neural.pooling": """
            F.avg_pool1d F.avg_pool2d F.avg_pool3d F.max_pool1d F.max_pool2d F.max_pool3d F.max_unpool1d
            F.max_unpool2d F.max_unpool3d F.lp_pool1d F.lp_pool2d F.lp_pool3d F.adaptive_max_pool1d
            F.adaptive_max_pool2d F.adaptive_max_pool3d F.adaptive_avg_pool1d F.adaptive_avg_pool2d
            F.adaptive_avg_pool3d F.fractional_max_pool2d F.fractional_max_pool3d
        """,
    },
    "Attention Mechanisms": {
        "neural.attention": "F.scaled_dot_product_attention F.multi_head_attention_forward",
    },
    "Non-linear activation functions": {
        "neural.activation": """
            F.threshold F.relu F.hardtanh F.hardswish F.relu6 F.elu F.selu F.celu F.leaky_relu F.prelu
            F.rrelu F.glu F.gelu F.hardshrink F.tanhshrink F.softsign F.softplus F.softmin F.softshrink
            F.gumbel_softmax F.hardsigmoid F.silu F.mish
        """,
        "neural.normalization": """
            F.batch_norm F.group_norm F.instance_norm F.layer_norm F.local_response_norm F.rms_norm
            F.normalize
        """,
        "pointwise": "F.logsigmoid F.tanh F.sigmoid",
        "reduction": "F.softmax F.log_softmax",
    },
    "Linear functions": {
        "linalg": "F.linear F.bilinear",
    },
    "Dropout functions": {
        "neural.dropout": "F.dropout F.alpha_dropout F.feature_alpha_dropout F.dropout1d F.dropout2d F.dropout3d",
    },
    "Sparse functions": {
        "creation": "F.one_hot",
        "neural.embedding": "F.embedding F.embedding_bag",
    },
    "Distance functions": {
        "neural.cdist": "F.pdist",
        "neural.cosine_similarity": "F.pairwise_distance F.cosine_similarity",
    },
    "Loss functions": {
        "neural.loss": """
            F.binary_cross_entropy F.binary_cross_entropy_with_logits F.poisson_nll_loss
            F.cosine_embedding_loss F.cross_entropy F.ctc_loss F.gaussian_nll_loss F.hinge_embedding_loss
            F.kl_div F.l1_loss F.mse_loss F.margin_ranking_loss F.multilabel_margin_loss
            F.multilabel_soft_margin_loss F.multi_margin_loss F.nll_loss F.huber_loss F.smooth_l1_loss
            F.soft_margin_loss F.triplet_margin_loss F.triplet_margin_with_distance_loss
        """,
    },
    "Vision functions": {
        "neural.convolution": "F.pixel_shuffle F.pixel_unshuffle",
        "neural.vision": "F.interpolate F.upsample F.upsample_nearest F.upsample_bilinear F.grid_sample F.affine_grid",
        "shape": "F.pad",
    },
}
