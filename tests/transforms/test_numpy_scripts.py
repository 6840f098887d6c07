"""Scripts as people write them for `autograd.numpy`, with NumPy's own functions: the same numbers come out of both.

Each is a function of NumPy's namespace and of what makes a gradient, and gives the losses of twenty steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import tinygrad_init as tgi

Losses = list[float]


def logistic(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    X = rng.normal(size=(30, 3))
    y = (rng.random(30) > 0.5) * 1.0
    sigmoid = lambda x: 0.5 * (np.tanh(x / 2.0) + 1)

    def loss(w):
        p = sigmoid(np.dot(X, w))
        lp = p * y + (1 - p) * (1 - y)
        return -np.sum(np.log(lp))

    g = grad(loss)
    w = numpy.array([0.0, 0.0, 0.0])
    out = []
    for _ in range(20):
        w = w - g(w) * 0.01
        out.append(float(loss(w)))
    return out


def rnn(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    X = rng.normal(size=(5, 4, 3))
    Y = rng.normal(size=(5, 4, 2))
    params = {
        "init": rng.normal(size=(1, 6)) * 0.1,
        "change": rng.normal(size=(10, 6)) * 0.3,
        "predict": rng.normal(size=(7, 2)) * 0.3,
    }

    def concat_and_multiply(w, *args):
        cat = np.hstack(args + (np.ones((args[0].shape[0], 1)),))
        return np.dot(cat, w)

    def loss(p):
        h = np.repeat(p["init"], 4, axis=0)
        tot = 0
        for x, y in zip(X, Y):
            h = np.tanh(concat_and_multiply(p["change"], x, h))
            o = concat_and_multiply(p["predict"], h)
            o = o - np.log(np.sum(np.exp(o), axis=1, keepdims=True))
            tot = tot - np.sum(o * y)
        return tot / 5

    g = grad(loss)
    out = []
    for _ in range(20):
        d = g(params)
        params = {k: params[k] - 0.05 * d[k] for k in params}
        out.append(float(loss(params)))
    return out


def gmm(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    data = rng.normal(size=(40, 2))
    par = [rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=(3, 2)) * 0.1]

    def lse(a, axis):
        m = np.max(a, axis=axis, keepdims=True)
        return np.squeeze(m + np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)), axis=axis)

    def loss(p):
        lp, mu, ls = p
        lp = lp - lse(lp, 0)
        z = (data[:, None, :] - mu[None]) / np.exp(ls)[None]
        return -np.sum(lse(lp[None] - 0.5 * np.sum(z**2, axis=2) - np.sum(ls, axis=1)[None] - np.log(2 * np.pi), 1))

    g = grad(loss)
    out = []
    for _ in range(20):
        d = g(par)
        par = [a - 0.002 * b for a, b in zip(par, d)]
        out.append(float(loss(par)))
    return out


def ode(np: Any, grad: Any) -> Losses:
    t = np.linspace(0.0, 2.0, 21)
    true = np.array([[-0.1, 2.0], [-2.0, -0.1]])

    def solve(A):
        y = np.array([2.0, 0.0])
        ys = [y]
        for i in range(20):
            h = t[i + 1] - t[i]
            k1 = np.dot(A, y**3)
            k2 = np.dot(A, (y + h * k1 / 2) ** 3)
            y = y + h * k2
            ys.append(y)
        return np.stack(ys)

    target = solve(true)
    loss = lambda A: np.mean(np.abs(solve(A) - target))
    g = grad(loss)
    A = numpy.array([[-0.2, 1.8], [-1.8, -0.2]])
    out = []
    for _ in range(20):
        A = A - 0.01 * g(A)
        out.append(float(loss(A)))
    return out


def matfac(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    R = rng.normal(size=(8, 6))
    M = rng.random((8, 6)) > 0.3
    U, V = rng.normal(size=(8, 2)), rng.normal(size=(6, 2))
    loss = lambda U, V: np.linalg.norm(np.where(M, R - U @ V.T, 0.0)) ** 2 + 0.1 * (np.sum(U**2) + np.sum(V**2))
    g0, g1 = grad(loss, 0), grad(loss, 1)
    out = []
    for _ in range(20):
        U, V = U - 0.01 * g0(U, V), V - 0.01 * g1(U, V)
        out.append(float(loss(U, V)))
    return out


def gp(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    x = numpy.sort(rng.uniform(-3, 3, 15))
    y = numpy.sin(x) + 0.1 * rng.normal(size=15)

    def nll(p):
        amp, ls, noise = np.exp(p[0]), np.exp(p[1]), np.exp(p[2])
        K = amp * np.exp(-0.5 * ((x[:, None] - x[None]) / ls) ** 2) + (noise + 1e-6) * np.eye(len(x))
        L = np.linalg.cholesky(K)
        a = np.linalg.solve(K, y)
        return 0.5 * np.dot(y, a) + np.sum(np.log(np.diag(L)))

    g = grad(nll)
    p = numpy.array([0.0, 0.0, -1.0])
    out = []
    for _ in range(20):
        p = p - 0.02 * g(p)
        out.append(float(nll(p)))
    return out


def pca(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    X = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4))
    C = numpy.cov(X.T)
    f = lambda w: -np.dot(w, np.dot(C, w)) / np.dot(w, w) + 0.01 * np.sum(np.linalg.eigh(np.outer(w, w) + C)[0])
    g = grad(f)
    w = rng.normal(size=4)
    out = []
    for _ in range(20):
        w = w - 0.05 * g(w)
        out.append(float(f(w)))
    return out


def ridge(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    X = rng.normal(size=(12, 2))
    y = rng.normal(size=12)

    def loo(p):
        D = np.sum(X**2, 1)[:, None] + np.sum(X**2, 1)[None] - 2 * np.dot(X, X.T)
        K = np.exp(-np.exp(p[0]) * D)
        H = np.dot(K, np.linalg.inv(K + np.exp(p[1]) * np.eye(12)))
        return np.mean(((y - np.dot(H, y)) / (1 - np.diag(H))) ** 2)

    g = grad(loo)
    p = numpy.array([0.0, 0.0])
    out = []
    for _ in range(20):
        p = p - 0.1 * g(p)
        out.append(float(loo(p)))
    return out


def bayes(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    X = numpy.linspace(-1, 1, 20).reshape(-1, 1)
    Y = numpy.sin(3 * X)
    shapes = [(1, 6), (6, 1)]
    N = sum((m + 1) * n for m, n in shapes)
    eps = rng.normal(size=(20, 5, N))

    def unpack(w):
        for m, n in shapes:
            yield w[: m * n].reshape((m, n)), w[m * n : m * n + n].reshape((1, n))
            w = w[(m + 1) * n :]

    def pred(w, x):
        for W, b in unpack(w):
            out = np.einsum("ij,jk->ik", x, W) + b
            x = np.tanh(out)
        return out

    def elbo(v, e):
        mu, ls = v[:N], v[N:]
        s = mu + np.exp(ls) * e
        return -(0.5 * N * (1 + np.log(2 * np.pi)) + np.sum(ls)) - np.mean(
            np.stack([-5 * np.sum((pred(w, X) - Y) ** 2) - 0.5 * np.sum(w**2) for w in s])
        )

    g = grad(elbo)
    v = numpy.concatenate([rng.normal(size=N) * 0.3, -2 * numpy.ones(N)])
    out = []
    for e in eps:
        v = v - 0.005 * g(v, e)
        out.append(float(elbo(v, e)))
    return out


def fluid(np: Any, grad: Any) -> Losses:
    rng = numpy.random.default_rng(1)
    v0 = rng.normal(size=(6, 6))
    target = rng.normal(size=(6, 6))

    def project(vx, vy):
        h = 1.0 / 6
        div = (
            -0.5
            * h
            * (np.roll(vx, -1, axis=0) - np.roll(vx, 1, axis=0) + np.roll(vy, -1, axis=1) - np.roll(vy, 1, axis=1))
        )
        p = np.zeros(vx.shape)
        for _ in range(4):
            p = (
                div + np.roll(p, 1, axis=0) + np.roll(p, -1, axis=0) + np.roll(p, 1, axis=1) + np.roll(p, -1, axis=1)
            ) / 4.0
        return vx - 0.5 * (np.roll(p, -1, axis=0) - np.roll(p, 1, axis=0)) / h, vy - 0.5 * (
            np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1)
        ) / h

    def advect(f, vx, vy):
        rows, cols = f.shape
        cy, cx = np.meshgrid(np.arange(rows), np.arange(cols))
        a, b = (cx - vx).ravel(), (cy - vy).ravel()
        l, t = np.floor(a).astype(int), np.floor(b).astype(int)
        rw, bw = a - l, b - t
        l, r, t, d = np.mod(l, rows), np.mod(l + 1, rows), np.mod(t, cols), np.mod(t + 1, cols)
        return np.reshape(
            (1 - rw) * ((1 - bw) * f[l, t] + bw * f[l, d]) + rw * ((1 - bw) * f[r, t] + bw * f[r, d]), (rows, cols)
        )

    def loss(vx):
        vy = 0.1 * vx
        for _ in range(2):
            ax, ay = advect(vx, vx, vy), advect(vy, vx, vy)
            vx, vy = project(ax, ay)
        return np.mean((vx - target) ** 2)

    g = grad(loss)
    v = v0 * 0.3
    out = []
    for _ in range(20):
        v = v - 0.1 * g(v)
        out.append(float(loss(v)))
    return out


SCRIPTS = [logistic, rnn, gmm, ode, matfac, gp, pca, ridge, bayes, fluid]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_script_for_numpy_learns_as_autograd_has_it(script: Callable[[Any, Any], Losses]) -> None:
    autograd = pytest.importorskip("autograd")
    wanted = script(autograd.numpy, autograd.grad)
    found = script(numpy, tgi.func.grad)
    assert wanted[-1] < wanted[0]
    numpy.testing.assert_allclose(found, wanted, rtol=1e-11)
