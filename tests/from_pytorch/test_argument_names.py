"""Arguments by PyTorch's names and in its order: each call means the same here."""

from __future__ import annotations

from typing import Any

import pytest
from oracle import agree

import tinygrad_lite as tg


def _names(m: Any) -> dict[str, Any]:
    x, v = m.arange(12.0).reshape(3, 4), m.arange(4.0)
    t = m.tensor([0, 1, 2])
    return {"torch": m, "nn": m.nn, "F": m.nn.functional, "D": m.distributions, "x": x, "v": v, "S": m.eye(2), "t": t}


CALLS = """
x.clone().copy_(other=x + 1)
x.clone().copy_(x + 1, True)
x[None, :, None].squeeze(0, 2)
x[None, None].squeeze((0, 1))
x.count_nonzero(0, 1)
x.count_nonzero(1)
v.broadcast_to(3, 4)
v.broadcast_to((2, 4))
x.hsplit(1, 2)
x.vsplit(1, 2)
x[None].dsplit(2, 3)
torch.hsplit(x, sections=2)
torch.hsplit(x, indices=(1,))
torch.tensor_split(x, sections=2)
torch.tensor_split(x, indices=(1,))
x.tensor_split(tensor_indices_or_sections=t[1:])
torch.split_with_sizes(x, split_sizes=[1, 2])
x.split_with_sizes(split_sizes=[1, 2])
torch.unsafe_split(x, split_size=2)
torch.arange(end=5)
torch.arange(start=1, end=5)
torch.repeat_interleave(repeats=t)
torch.max(x, other=x + 1)
x.min(other=1 - x)
torch.isin(element=2.0, test_elements=v)
torch.result_type(tensor=x, other=1) == torch.float32
torch.dropout(x, p=0.5, train=False)
torch.alpha_dropout(x, 0.5, train=False)
torch.rsub(x, 1, 2)
x.norm(2, 1, True, torch.float64)
torch.histogramdd(x[:, :2], [2, 2], None, None, False)[0]
torch.fft.fftfreq(4, device="cpu")
torch.fft.rfftfreq(4, 0.5, device=x.device, layout=torch.strided, dtype=torch.float64)
torch.lu_solve(input=S, LU_data=S, LU_pivots=torch.tensor([1, 2], dtype=torch.int32))
x.to_dense(masked_grad=None)
v.clone().requires_grad_().sum().backward()
torch.autograd.backward(tensors=v.clone().requires_grad_().sum(), grad_variables=None)
torch.autograd.backward(v.clone().requires_grad_().sum(), None, None, False, None, None)
bool((x.clone().uniform_(3.0, to=4.0) >= 3).all())
bool((x.clone().random_(to=1) == 0).all())
bool((x.clone().random_(5, to=6) == 5).all())
torch.batch_norm(x, v + 1, v, v, v + 1, False, 0.1, 1e-5, False)
torch.instance_norm(x[None], None, None, None, None, True, 0.1, 1e-5, False)
torch.layer_norm(x, [4], v, v, 1e-5, False)
torch.group_norm(x, 2, v, v, 1e-5, torch.backends.cudnn.enabled)
torch.embedding(x, t, -1, False, False)
torch.embedding(weight=x, indices=t)
torch.embedding_renorm_(x.clone(), t[1:], 1.0, 2.0)
torch.convolution(x[None], x[None].mT, None, [1], [1], [1], False, [0], 1)
torch.convolution(x[None], x[:, None, :2], v[:1], [2], [0], [1], True, [1], 1)
torch.conv_tbc(x[None].repeat(5, 1, 1), torch.ones(2, 4, 3), v[:3], 1)
F.conv_tbc(x[None], torch.ones(1, 4, 3), v[:3])
torch.norm_except_dim(x, 2, 0)
torch.norm_except_dim(x[None], 3, 1)
torch.norm_except_dim(x, dim=-1)
torch.kl_div(v.log_softmax(0), v.softmax(0), 2)
torch.kl_div(v, v.softmax(0), reduction=0, log_target=True)
torch.poisson_nll_loss(v, v, True, True, 1e-8, 0)
torch.binary_cross_entropy_with_logits(v, v.sigmoid(), None, torch.tensor(2.0), 2)
torch.hinge_embedding_loss(v, v.sign() * 2 - 1, 1.0, 0)
torch.margin_ranking_loss(v, v, v.sign() * 2 - 1, 0.5, 2)
torch.cosine_embedding_loss(x, x + 1, t.sign() * 2 - 1, 0.1, 0)
torch.triplet_margin_loss(x, x + 1, x + 2, 1.0, 2, 1e-6, True, 2)
torch.ctc_loss(x[None].mT.log_softmax(2), torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]), 0, 0, False)
torch.nuclear_norm(x)
torch.nuclear_norm(x[None], (1, 2), True)
torch.frobenius_norm(x, (0, 1))
torch.linalg.cholesky(input=S)
torch.linalg.vector_norm(input=x)
torch.linalg.solve_triangular(input=S, B=S, upper=True)
torch.linalg.lstsq(input=S, b=S)[0]
torch.linalg.tensorsolve(input=S, other=v[:2])
torch.special.hermite_polynomial_h(x=v, n=2)
torch.special.scaled_modified_bessel_k0(x=v)
torch.special.airy_ai(x=v)
torch.special.bessel_j0(input=v)
nn.MSELoss(False)(x, x + 1)
nn.MSELoss(size_average=False)(x, x + 1)
nn.MSELoss(False, False)(x, x + 1)
nn.MSELoss(None, None, "sum")(x, x + 1)
nn.CrossEntropyLoss(None, False)(x, t)
nn.CrossEntropyLoss(torch.ones(4), None, 1, None, "sum", 0.1)(x, t)
nn.NLLLoss(None, None, -100, False)(x, t)
nn.BCEWithLogitsLoss(None, None, None, "none", torch.tensor(2.0))(v, v.sigmoid())
nn.BCELoss(None, False)(v.sigmoid(), v.sigmoid())
nn.L1Loss(False)(x, x + 1)
nn.KLDivLoss(False)(v.log_softmax(0), v.softmax(0) + 1)
nn.KLDivLoss(None, None, "sum", True)(v.log_softmax(0), v)
nn.PoissonNLLLoss(True, False, None, 1e-8, None, "sum")(v, v)
nn.TripletMarginLoss(1.0, 2.0, 1e-6, False, False)(x, x + 1, x + 2)
nn.SmoothL1Loss(None, None, "sum", 2.0)(x, x + 1)
nn.MultiMarginLoss(1, 1.0, None, False)(x, t)
nn.MarginRankingLoss(0.5, False)(v, v, v - 1)
nn.GaussianNLLLoss(size_average=False)
nn.Hardtanh(min_value=-2, max_value=2)(x)
nn.utils.get_total_norm([v], 2.0, False, None)
nn.utils.clip_grads_with_norm_([v], 1.0, torch.tensor(1.0), None)
D.Normal(0.0, 1.0).sample_n(3).shape == (3,)
D.GeneralizedPareto(0.0, 1.0, 0.1).log_cdf(torch.tensor([0.5]))
"""


@pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:`torch.autograd.backward:FutureWarning")
@pytest.mark.filterwarnings("ignore:keyword argument:FutureWarning")
@pytest.mark.filterwarnings("ignore:torch.lu_solve is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:`sample_n:FutureWarning")
@pytest.mark.each("call", CALLS.strip().splitlines())
def test_each_call_means_what_it_means_in_pytorch(call):
    agree(lambda m: eval(call, _names(m)), rtol=1e-5)


def test_inference_mode_takes_a_flag():
    """False was taken for a function to decorate."""
    x = tg.ones(1, requires_grad=True)
    with tg.inference_mode(), tg.inference_mode(mode=False):
        assert (x * 2).requires_grad
    with tg.inference_mode(True):
        assert not (x * 2).requires_grad
    assert tg.inference_mode(False)(lambda: (x * 2).requires_grad)()
    with tg.set_grad_enabled(mode=False):
        assert not (x * 2).requires_grad


def test_hooks_of_state_dicts_can_come_first():
    optimizer = tg.optim.SGD([tg.ones(1, requires_grad=True)], lr=0.1)
    came: list[int] = []
    optimizer.register_state_dict_pre_hook(lambda _: came.append(1))
    optimizer.register_state_dict_pre_hook(lambda _: came.append(2))
    optimizer.register_state_dict_pre_hook(lambda _: came.append(0), prepend=True)
    optimizer.state_dict()
    assert came == [0, 1, 2]


def test_two_names_of_one_argument():
    with pytest.raises(TypeError, match="give indices_or_sections or sections, not both"):
        tg.hsplit(tg.ones(4), 2, sections=2)
    with pytest.raises(TypeError, match="missing 1 required argument: 'indices_or_sections'"):
        tg.hsplit(tg.ones(4))
    with pytest.raises(TypeError, match="size_average must be a bool, got 'sum'"):
        tg.nn.MSELoss("sum")
    with pytest.raises(TypeError, match="unknown arguments"):
        tg.ones(2).random_(until=2)
