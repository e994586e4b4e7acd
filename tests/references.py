"""Slow plain-loop versions of the equations, which the fast code is tested against."""

import math

import numpy as np

# Metrics: every pair, row or bin in a loop of its own.


def auc(labels, scores):
    """The share of pairs of a positive and a negative in the right order, ties one half."""
    positives = [s for y, s in zip(labels, scores, strict=True) if y]
    negatives = [s for y, s in zip(labels, scores, strict=True) if not y]
    if not positives or not negatives:
        return None
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def gauc(labels, scores, groups):
    """The mean, the number of groups used and of those ignored; a group None is no group."""
    total, weight, used, ignored = 0.0, 0, 0, 0
    for group in sorted({g for g in groups if g is not None}, key=str):
        rows = [i for i, g in enumerate(groups) if g == group]
        area = auc([labels[i] for i in rows], [scores[i] for i in rows])
        if area is None:
            ignored += 1
            continue
        used += 1
        total += len(rows) * area
        weight += len(rows)
    return (total / weight if weight else None), used, ignored


def delong_variance(labels, scores):
    """DeLong et al. 1988, from the matrix of all pairs."""
    positives = [s for y, s in zip(labels, scores, strict=True) if y]
    negatives = [s for y, s in zip(labels, scores, strict=True) if not y]
    pairs = [[(p > n) + 0.5 * (p == n) for n in negatives] for p in positives]
    rows = [sum(row) / len(negatives) for row in pairs]
    columns = [sum(column) / len(positives) for column in zip(*pairs, strict=True)]
    centre = sum(rows) / len(rows)
    return sum(
        sum((v - centre) ** 2 for v in part) / (len(part) - 1) / len(part)
        for part in (rows, columns)
    )


def logloss(labels, logits):
    """Mean of -ln of the probability given to what happened."""
    total = 0.0
    for y, z in zip(labels, logits, strict=True):
        probability = 1.0 / (1.0 + math.exp(-z))
        total -= math.log(probability if y else 1.0 - probability)
    return total / len(labels)


def normalized_entropy(labels, logits):
    """Log loss over the entropy of the observed rate."""
    rate = sum(labels) / len(labels)
    return logloss(labels, logits) / -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))


def pcoc(labels, logits):
    """Sum of the probabilities over the number of positives."""
    return sum(1.0 / (1.0 + math.exp(-z)) for z in logits) / sum(labels)


def expected_calibration_error(labels, logits, num_bins):
    """Bins of equal rows; a row's bin is that of the middle rank of the logits equal to its own."""
    predicted, observed = [0.0] * num_bins, [0.0] * num_bins
    for y, z in zip(labels, logits, strict=True):
        below, equal = sum(other < z for other in logits), sum(other == z for other in logits)
        place = int(num_bins * (below + equal / 2) / len(logits))
        predicted[place] += 1.0 / (1.0 + math.exp(-z))
        observed[place] += y
    gaps = [abs(p - o) for p, o in zip(predicted, observed, strict=True)]
    return sum(gaps) / len(labels)


# Optimizers: one row of the table at a time.


def lazy_adam(table, batches, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """The table and its two moments after `(ids, gradients)` of every batch, arXiv:1412.6980."""
    table = np.array(table, "float64")
    first, second = np.zeros_like(table), np.zeros_like(table)
    for step, (ids, gradients) in enumerate(batches, start=1):
        for row in set(ids.tolist()):
            total = sum(g for i, g in zip(ids, gradients, strict=True) if i == row)
            first[row] = beta_1 * first[row] + (1 - beta_1) * total
            second[row] = beta_2 * second[row] + (1 - beta_2) * total**2
            alpha = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
            table[row] -= alpha * first[row] / (np.sqrt(second[row]) + epsilon)
    return table, (first, second)


# Preparation: one value at a time, by the rules in the docstring of ctrmoe.data.encode.


def canonical_value(value, dtype):
    """The text or whole number of a raw value, None where it is missing."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | float):
        value = int(value)
    if dtype == "string":
        return str(value)
    if isinstance(value, str):
        digits = value[1:] if value[0] in "+-" else value
        whole = digits.isascii() and digits.isdigit() and -(2**63) <= int(value) < 2**63
        if not whole:
            return value
        value = int(value)
    return None if value == -(2**63) else value


def list_elements(value, feature):
    """The canonical elements that a list feature keeps of a raw list or text."""
    if value is not None and feature.separator and not isinstance(value, list):
        value = str(value).split(feature.separator)
    elements = [canonical_value(element, feature.dtype) for element in value or []]
    present = [element for element in elements if element is not None]
    if feature.kind == "sequence":
        return present[-feature.max_length :]
    return present[: feature.max_length]


def vocabulary_lines(values, dtype, min_count):
    """The lines of a vocabulary file, from canonical values in any order."""
    counts = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    order = (lambda v: v) if dtype == "integer" else (lambda v: v.encode())
    kept = [
        value
        for value, count in counts.items()
        if count >= min_count
        and not (dtype == "integer" and isinstance(value, str))
        and "\n" not in str(value)
        and "\r" not in str(value)
    ]
    return [str(value) for value in sorted(kept, key=lambda v: (-counts[v], order(v)))]


def categorical_id(value, lines, oov_buckets, hash_buckets, fingerprint):
    """The id of a canonical value."""
    if value is None:
        return 1
    text = str(value)
    if hash_buckets:
        return 2 + fingerprint(text) % hash_buckets
    if text in lines:
        return 2 + oov_buckets + lines.index(text)
    return 2 + fingerprint(text) % oov_buckets


def list_ids(elements, max_length, is_sequence, id_of):
    """The padded ids of the elements kept."""
    ids = [id_of(element) for element in elements]
    if not ids and not is_sequence:
        ids = [1]
    return ids + [0] * (max_length - len(ids))


def raw_number(value):
    """The float32 of a raw number, None where it is missing."""
    try:
        number = float(str(value).strip() if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    with np.errstate(over="ignore"):
        number = float(np.float32(number))
    if abs(number) < float(np.finfo(np.float32).tiny):
        return 0.0
    return number if math.isfinite(number) else None


def transformed_number(number, feature, statistics):
    """The value, or the id of `quantile`, of a number that `raw_number` returned."""
    if number is None:
        return 1 if feature.transform == "quantile" else math.nan
    x = min(max(number, statistics.lower), statistics.upper)
    if feature.transform == "quantile":
        return 3 + sum(edge <= x for edge in statistics.edges)
    if feature.transform == "standard":
        x = (x - statistics.mean) / statistics.std
    elif feature.transform == "log":
        x = math.copysign(math.log1p(abs(x)), x)
    elif feature.transform == "log_square" and x > 2:
        x = math.log(x) ** 2
        x = math.floor(x) if feature.truncate else x
    elif feature.transform in OUTRANK_FORMULAS:
        try:
            x = OUTRANK_FORMULAS[feature.transform](x, statistics.upper, statistics.lower)
        except (ValueError, ZeroDivisionError, OverflowError):  # not defined, or infinite
            return math.nan
    return min(max(x, -1e6), 1e6)


OUTRANK_FORMULAS = {
    "sqrt": lambda x, *_: math.sqrt(x),
    "sqrt_abs": lambda x, *_: math.sqrt(abs(x)),
    "log1p": lambda x, *_: math.log1p(x),
    "log1p_abs": lambda x, *_: math.log1p(abs(x)),
    "log_signed": lambda x, *_: math.copysign(1, x) * math.log(abs(x)),
    "asinh": lambda x, *_: math.asinh(x),
    "log1p_sqrt": lambda x, *_: math.log1p(x) * math.sqrt(x),
    "log1p_hundredths": lambda x, *_: round(100 * math.log1p(x)),
    "nonzero": lambda x, *_: float(x != 0),
    "maximum_share": lambda x, maximum, _: round(x / maximum),
    "square": lambda x, *_: x**2,
    "cube": lambda x, *_: x**3,
    "inverse": lambda x, *_: 1 / x if x else 0.0,
    "exp": lambda x, *_: math.exp(x),
    "expm1": lambda x, *_: math.expm1(x),
    "sin": lambda x, *_: math.sin(x),
    "cos": lambda x, *_: math.cos(x),
    "tan": lambda x, *_: math.tan(x),
    "arcsin": lambda x, *_: math.asin(min(max(x, -1), 1)),
    "arccos": lambda x, *_: math.acos(min(max(x, -1), 1)),
    "arctan": lambda x, *_: math.atan(x),
    "sign": lambda x, *_: float((x > 0) - (x < 0)),
    "range_share": lambda x, maximum, minimum: (x - minimum) / (maximum - minimum),
    "cube_root": lambda x, *_: math.cbrt(x),
    "logistic": lambda x, *_: 1 / (1 + math.exp(-x)) if x > -700 else 0.0,
    "logistic_shifted": lambda x, *_: 1 / (1 + math.exp(-x - 0.5)) if x > -700 else 0.0,
}


def generated_transform(number, name, statistics):
    """Of formulas like `sqrt_above_8_by_10` and `sqrt_to_2`, in the words of their names."""
    if "_above_" in name:
        function, rest = name.split("_above_")
        threshold, resolution = (float(part) for part in rest.split("_by_"))
        excess = number - threshold
        if excess <= 0:
            return number if excess < 0 else 0
        return round(getattr(math, function)(excess) * resolution)
    name, decimals = name.rsplit("_to_", 1)
    if name == "standard":
        return round((number - statistics.mean) / statistics.std, int(decimals))
    try:
        x = OUTRANK_FORMULAS[name](number, statistics.upper, statistics.lower)
    except (ValueError, ZeroDivisionError, OverflowError):  # not defined, or infinite
        return math.nan
    return min(max(round(x, int(decimals)), -1e6), 1e6)


def encoded_column(values, feature, lines, statistics, fingerprint):
    """What a column of raw values is encoded to; a list a row for list features."""
    if feature.kind == "numeric":
        return [transformed_number(raw_number(value), feature, statistics) for value in values]

    def id_of(value):
        return categorical_id(value, lines, feature.oov_buckets, feature.hash_buckets, fingerprint)

    if not feature.max_length:
        return [id_of(canonical_value(value, feature.dtype)) for value in values]
    is_sequence = feature.kind == "sequence"
    return [
        list_ids(list_elements(value, feature), feature.max_length, is_sequence, id_of)
        for value in values
    ]


def random_part(row, seed, fractions):
    """The number of the part that a row goes to: SplitMix64 of seed and row number."""

    def mix(z):
        z = (z + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    share = mix(mix(seed) ^ mix(row)) / 2**64
    return sum(share >= bound for bound in np.cumsum(fractions)[:-1])


# Layers: one row, one field, one head and one entry at a time.

ACTIVATIONS = {
    None: lambda z: z,
    "linear": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
}


def dense(x, kernel, bias=None, activation=None):
    """`f(xᵀ W + b)` of one vector."""
    sums = [sum(x[i] * kernel[i][j] for i in range(len(x))) for j in range(kernel.shape[1])]
    biases = [0.0] * len(sums) if bias is None else bias
    return np.array([ACTIVATIONS[activation](s + b) for s, b in zip(sums, biases, strict=True)])


def standardised(x, mean, variance, gamma, beta, epsilon):
    """`γ (x - mean) / √(variance + ε) + β`, entry by entry."""
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def softmax(scores):
    """`exp s_k / Σ_l exp s_l`."""
    exponentials = [math.exp(s) for s in scores]
    return [e / sum(exponentials) for e in exponentials]


def autoint_layer(
    x, weights, num_heads, scale=False, activation=None, layer_norm=None, residual="projection"
):
    """One interacting layer of AutoInt, arXiv:1810.11921, and its attention `[B, H, F, F]`.

    `weights` are named by their place in the layer: `query_kernel`, `norm_gamma` and so on. The
    flags are where public programs leave the equations.
    """

    def project(name, token):
        kernel, bias = weights[f"{name}_kernel"], weights.get(f"{name}_bias")
        return dense(token, kernel, bias, activation)

    out, attention = [], []
    for row in x:
        query, key, value = (
            [project(name, token) for token in row] for name in ("query", "key", "value")
        )
        tokens, alpha = _attend(query, key, value, num_heads, scale)
        attention.append(alpha)
        # (5)
        for m, token in enumerate(row):
            if residual == "projection" or (residual == "auto" and len(token) != len(tokens[m])):
                tokens[m] += project("residual", token)
            elif residual == "auto":
                tokens[m] += token
            if layer_norm == "pre_relu":
                tokens[m] = _layer_norm(tokens[m], weights, 1e-5)
            tokens[m] = [max(z, 0.0) for z in tokens[m]]
            if layer_norm == "post_relu":
                tokens[m] = _layer_norm(tokens[m], weights, 1e-8)
        out.append(tokens)
    return np.array(out), np.array(attention)


def _attend(query, key, value, num_heads, scale):
    """The tokens of a row before the residual `[F, H d']` and their attention `[H, F, F]`."""
    fields, units = np.shape(value)
    width = units // num_heads
    tokens, attention = np.zeros((fields, units)), np.zeros((num_heads, fields, fields))
    for h in range(num_heads):
        head = slice(h * width, (h + 1) * width)  # (4): the heads lie side by side
        for m in range(fields):
            # (2)
            scores = [float(np.dot(query[m][head], key[k][head])) for k in range(fields)]
            attention[h, m] = softmax([s / math.sqrt(width) if scale else s for s in scores])
            # (3)
            for k in range(fields):
                tokens[m, head] += attention[h, m, k] * value[k][head]
    return tokens, attention


def _layer_norm(x, weights, epsilon):
    mean = sum(x) / len(x)
    variance = sum((z - mean) ** 2 for z in x) / len(x)
    return standardised(x, mean, variance, weights["norm_gamma"], weights["norm_beta"], epsilon)


def lookup(table, index):
    """The row of a table: zero for padding, that of the unknown id where out of range."""
    if index == 0:
        return np.zeros(table.shape[1])
    return table[index if 0 < index < len(table) else 2]


def feature_embedding(fields, inputs, tables, vectors=None, missing=None, projections=None):
    """The tokens `[B, F, D]` of packed matrices, arXiv:1810.11921.

    `tables` holds the table of every field that has one of its own; `projections` the kernel of
    every width that needs one.
    """
    rows = len(next(iter(inputs.values())))
    tokens = []
    for b in range(rows):
        ids, sequences, numbers = (
            iter(inputs[name][b] if name in inputs else ())
            for name in ("ids", "sequences", "values")
        )
        number_vectors = iter([] if vectors is None else zip(vectors, missing, strict=True))
        row = []
        for field in fields:
            if field.kind == "numeric":
                # e_m = v_m x_m
                number, (vector, absent) = next(numbers), next(number_vectors)
                row.append(absent if math.isnan(number) else vector * number)
                continue
            table = tables[field.table or field.name]
            if field.kind == "categorical":
                # e_i = V_i x_i, x_i one-hot
                token = lookup(table, next(ids))
            else:
                # e_i = (1/q) V_i x_i, x_i with q ones
                active = [i for i in (next(sequences) for _ in range(field.length)) if i != 0]
                total = sum((lookup(table, i) for i in active), np.zeros(table.shape[1]))
                token = total / max(len(active), 1)
            kernel = (projections or {}).get(table.shape[1])
            row.append(token if kernel is None else dense(token, kernel))
        tokens.append(row)
    return np.array(tokens)


def mlp(x, weights, num_layers, activation="relu", prefix=""):
    """`x ← f(x W + b)` for each layer; `weights` are named `dense_0_kernel` and so on."""
    for i in range(num_layers):
        name = f"{prefix}dense_{i}"
        kernel, bias = weights[f"{name}_kernel"], weights.get(f"{name}_bias")
        x = np.array([dense(row, kernel, bias, activation) for row in x])
    return x


def tower(x, weights, num_layers):
    """`wᵀ MLP(flatten(x)) + b` of every row."""
    flat = np.array([[entry for token in np.atleast_2d(row) for entry in token] for row in x])
    hidden = mlp(flat, weights, num_layers, prefix="mlp_")
    return np.array(
        [dense(row, weights["logit_kernel"], weights.get("logit_bias"))[0] for row in hidden]
    )


# FGCNN, arXiv:1904.04447: one row, one embedding column, one window at a time.


def fgcnn_block(
    maps, kernel, recombination, pool_size=2, pooling="ceil", padding="bottom", bias=None
):
    """Pooled maps `[B, F', D, M]` of `[B, F, D, C]`, and the new fields that follow from them.

    `recombination` is a pair of W_R `[F' D M, F' mr D]`, its rows by field, column and map, and b.
    """
    rows, fields, dim, channels = maps.shape
    height, _, filters = kernel.shape
    before = (height - 1) // 2 if padding == "same" else 0
    convolved = np.zeros((rows, fields, dim, filters))
    for b, p, q, j in np.ndindex(*convolved.shape):
        total = 0.0 if bias is None else bias[j]
        for a in range(height):
            if 0 <= p + a - before < fields:
                for c in range(channels):
                    total += maps[b, p + a - before, q, c] * kernel[a, c, j]
        convolved[b, p, q, j] = math.tanh(total)
    rounded = math.ceil if pooling == "ceil" else math.floor
    count = rounded(fields / pool_size)
    windows = [convolved[:, i * pool_size : (i + 1) * pool_size] for i in range(count)]
    pooled = np.stack([window.max(axis=1) for window in windows], axis=1)
    weights, biases = recombination
    new = [dense(row.ravel(), weights, biases, "tanh") for row in pooled]
    return pooled, np.reshape(new, (rows, -1, dim))


# INFNet: one row, one query, one key at a time; weights by their place in the layer.

INFNET_FLOWS = [  # who attends to whom
    ("field_proxies", "sequences"),
    ("field_proxies", "tasks"),
    ("sequence_proxies", "fields"),
    ("sequence_proxies", "tasks"),
    ("task_proxies", "fields"),
    ("task_proxies", "sequences"),
    ("tasks", "fields"),
    ("tasks", "sequences"),
]
INFNET_PROXIES = [
    ("fields", "field_proxies"),
    ("sequences", "sequence_proxies"),
    ("tasks", "task_proxies"),
]


def cross_attention(query, context, weights, num_heads=1, keep=None):
    """CA(Q, K, V) of one row, arXiv:2508.11565v1; padding is no key, and zeros if all is."""
    active = [k for k in range(len(context)) if keep is None or keep[k]]
    project = {
        name: lambda token, name=name: dense(
            token, weights[f"{name}_kernel"], weights.get(f"{name}_bias")
        )
        for name in ("query", "key", "value")
    }
    out = np.zeros(np.shape(query))
    width = out.shape[1] // num_heads
    for m, token in enumerate(query):
        q = project["query"](token)
        for h in range(num_heads if active else 0):
            head = slice(h * width, (h + 1) * width)
            keys = [project["key"](context[k])[head] for k in active]
            alpha = softmax([float(np.dot(q[head], key)) / math.sqrt(width) for key in keys])
            for a, k in zip(alpha, active, strict=True):
                out[m, head] += a * project["value"](context[k])[head]
    return out


def token_mean(query, context, keep, weights):
    """The mean of a row's tokens that are no padding, projected, for each query."""
    total, count = np.zeros(np.shape(query)[1]), 0
    for k, token in enumerate(context):
        if keep is None or keep[k]:
            total, count = total + dense(token, weights["value_kernel"]), count + 1
    return np.array([total / max(count, 1)] * len(query))


def token_mlp(tokens, weights, num_layers):
    """The tokens of a row, flattened, through dense layers; a matrix of tokens again."""
    x = np.ravel(tokens)
    for i in range(num_layers):
        activation = None if i == num_layers - 1 else "relu"
        x = dense(x, weights[f"kernel_{i}"], weights[f"bias_{i}"], activation)
    return x.reshape(-1, np.shape(tokens)[-1])


def proxy_gated_unit(tokens, proxies, weights, num_layers=2):
    """PGU(X, X̃) = X ⊙ σ(MLP(flatten(X̃)))."""
    (z,) = token_mlp(proxies, below(weights, "mlp"), num_layers)
    return np.array([token / (1 + np.exp(-z)) for token in tokens])


def below(weights, name):
    """The weights of a part of a layer."""
    return {k.removeprefix(f"{name}_"): w for k, w in weights.items() if k.startswith(f"{name}_")}


def replaced(x, change, weights, norm, residual, layer_norm):
    """`LN(x + change)`, or less of it."""
    x = x + change if residual else change
    if not layer_norm:
        return x
    norm = {f"norm_{name}": weights[f"{norm}_norm_{name}"] for name in ("gamma", "beta")}
    return np.array([_layer_norm(token, norm, 1e-5) for token in x])


def infnet_block(
    tokens,
    weights,
    keep=None,
    *,
    num_heads=1,
    num_gate_layers=2,
    pgu_proxies="updated",
    residual=True,
    layer_norm=True,
    share_task_projections=False,
    cross_attends=True,
):
    """One block on a row's tokens of every kind; what has no weights stays as it is."""
    flags = {"residual": residual, "layer_norm": layer_norm}
    flows = {}
    for target, context in INFNET_FLOWS:
        shared = share_task_projections and target == "tasks"
        part = below(weights, f"{'task_proxies' if shared else target}_to_{context}")
        if part and target in tokens and context in tokens:
            padding = keep if context == "sequences" else None
            if cross_attends:
                flow = cross_attention(tokens[target], tokens[context], part, num_heads, padding)
            else:
                flow = token_mean(tokens[target], tokens[context], padding, part)
            flows[target] = flows.get(target, 0) + flow
    new = dict(tokens)
    for target, flow in flows.items():
        new[target] = replaced(tokens[target], flow, weights, f"{target}_attention", **flags)
    for kind, proxies in INFNET_PROXIES:
        part = below(weights, f"{kind}_gate")
        if part and kind in tokens:
            gating = (new if pgu_proxies == "updated" else tokens)[proxies]
            gated = proxy_gated_unit(new[kind], gating, part, num_gate_layers)
            new[kind] = replaced(new[kind], gated, weights, f"{kind}_gate", **flags)
    return new


def sequence_proxies(sequence, keep, weights, num_layers):
    """`Σ_t φ_seq(s_t)` without the padding."""
    dim = sequence.shape[1]
    total = np.zeros((weights[f"bias_{num_layers - 1}"].size // dim, dim))
    for token, active in zip(sequence, keep, strict=True):
        if active:
            total += token_mlp([token], weights, num_layers)
    return total


def infnet(fields, sequences, masks, weights, num_blocks, num_dense_layers=(1, 1, 2), **flags):
    """The tasks' tokens of one row; `sequences` and `masks` are lists."""
    of_fields, of_sequences, of_gates = num_dense_layers
    state = {"fields": fields}
    if "tasks_tokens" in weights:
        state["tasks"] = weights["tasks_tokens"]
    if "task_proxies_tokens" in weights:
        state["task_proxies"] = weights["task_proxies_tokens"]
    if below(weights, "field_mlp"):
        state["field_proxies"] = token_mlp(fields, below(weights, "field_mlp"), of_fields)
    if sequences:
        moved = [
            sequence + weights.get(f"behaviour_positions_{a}", 0)
            for a, sequence in enumerate(sequences)
        ]
        state["sequences"] = np.concatenate(moved)
        phi = below(weights, "sequence_mlp")
        if phi:
            pairs = zip(moved, masks, strict=True)
            proxies = [sequence_proxies(s, keep, phi, of_sequences) for s, keep in pairs]
            state["sequence_proxies"] = np.concatenate(proxies)
    keep = np.concatenate(masks) if sequences else None
    for i in range(num_blocks):
        part = below(weights, f"block_{i}")
        state = infnet_block(state, part, keep, num_gate_layers=of_gates, **flags)
    if "tasks" in state:
        return state["tasks"]
    pooled = np.mean(state["fields"], axis=0)
    active = [s for s, k in zip(state["sequences"], keep, strict=True) if k] if sequences else []
    return np.array([pooled + sum(active, np.zeros(len(pooled))) / max(len(active), 1)] * 2)


# FM, CIN and IPNN: one row, one pair of fields and one entry at a time.


def fm(x):
    """`Σ_{i<j} x_i ⊙ x_j` of every row, `[B, D]`."""
    rows, fields, dim = x.shape
    out = np.zeros((rows, dim))
    for b in range(rows):
        for i in range(fields):
            for j in range(i + 1, fields):
                out[b] += x[b, i].astype("float64") * x[b, j]
    return out


def inner_products(x):
    """`⟨x_i, x_j⟩` of every row for all `i < j` in their order, `[B, F (F - 1) / 2]`."""
    fields = x.shape[1]
    pairs = [(i, j) for i in range(fields) for j in range(i + 1, fields)]
    return np.array([[np.dot(row[i].astype("float64"), row[j]) for i, j in pairs] for row in x])


def cin(x, weights, units, pooled=True, split_half=False, activation=None):
    """xDeepFM's network, arXiv:1803.05170: tokens `[B, Σ H_k, D]`, or their sums over D."""
    rows, fields, dim = x.shape
    last, outputs = x.astype("float64"), []
    for k, width in enumerate(units):
        sources = last.shape[1]
        kernel = weights[f"kernel_{k}"].reshape(sources, fields, width)
        bias = weights.get(f"bias_{k}", np.zeros(width))
        maps = np.zeros((rows, width, dim))
        # (1)
        for b, h, d in np.ndindex(*maps.shape):
            total = bias[h]
            for i in range(sources):
                for j in range(fields):
                    total += kernel[i, j, h] * last[b, i, d] * x[b, j, d]
            maps[b, h, d] = ACTIVATIONS[activation](total)
        half = width // 2 if split_half and k < len(units) - 1 else 0
        last = maps[:, :half] if half else maps
        outputs.append(maps[:, half:])
    tokens = np.concatenate(outputs, axis=1)
    # (2)
    return tokens.sum(axis=2, keepdims=True) if pooled else tokens


# INFNet's second version: the same, with hubs.


def sequence_hub(sequence, keep, kernel, bias):
    """The mean over time of a projection; zeros without any token."""
    tokens = [dense(token, kernel, bias) for token, k in zip(sequence, keep, strict=True) if k]
    return sum(tokens, np.zeros(len(bias))) / max(len(tokens), 1)


def broadcast_gated_unit(tokens, hubs, weights):
    """BGU(x) = x ⊙ σ(α) + β."""
    alpha, beta = token_mlp(hubs, below(weights, "mlp"), 2)
    return np.array([token / (1 + np.exp(-alpha)) + beta for token in tokens])


def infnet_v2_block(tokens, weights, keep=None, num_heads=1):
    """One block on a row's tokens and hubs; a kind without weights stays as it is."""
    new = dict(tokens)
    kinds = [kind for kind in ("fields", "sequences", "tasks") if kind in tokens]
    for kind in kinds:
        if f"{kind}_query_kernel" not in weights:
            continue
        hubs = f"{kind.removesuffix('s')}_hubs"
        fused = []
        for hub in tokens[hubs]:
            query = dense(hub, weights[f"{kind}_query_kernel"], weights[f"{kind}_query_bias"])
            gathered = []
            for x in kinds:
                part = {"query_kernel": np.eye(len(query)), **below(weights, f"to_{x}")}
                padding = keep if x == "sequences" else None
                gathered.extend(cross_attention([query], tokens[x], part, num_heads, padding)[0])
            kernel, bias = weights[f"{kind}_fusion_kernel"], weights[f"{kind}_fusion_bias"]
            fused.append(dense(gathered, kernel, bias))
        new[hubs] = replaced(tokens[hubs], np.array(fused), weights, hubs, True, True)
        gated = broadcast_gated_unit(tokens[kind], new[hubs], below(weights, f"{kind}_gate"))
        new[kind] = replaced(tokens[kind], gated, weights, kind, True, True)
    return new


def infnet_v2(fields, sequences, masks, weights, num_blocks, num_heads=1):
    """The tasks' tokens of one row; `sequences` and `masks` are lists."""
    tasks = weights["tasks_tokens"]
    state = {"fields": fields, "tasks": tasks}
    state["task_hubs"] = np.concatenate([tasks, weights["shared_tasks_tokens"]])
    hubs = below(weights, "field_hubs")
    if hubs:
        state["field_hubs"] = token_mlp(fields, hubs, 2)
    keep = np.concatenate(masks) if sequences else None
    if sequences:
        moved = [
            sequence + weights.get(f"behaviour_positions_{a}", 0)
            for a, sequence in enumerate(sequences)
        ]
        state["sequences"] = np.concatenate(moved)
        hubs = below(weights, "sequence_hubs")
        if hubs:
            parts = enumerate(zip(moved, masks, strict=True))
            state["sequence_hubs"] = np.array(
                [sequence_hub(*part, hubs[f"kernel_{a}"], hubs[f"bias_{a}"]) for a, part in parts]
            )
    for i in range(num_blocks):
        state = infnet_v2_block(state, below(weights, f"block_{i}"), keep, num_heads)
    return state["tasks"]


# Poolings: one row and one token at a time; `keep` is false for padding.


def mean_pooling(sequence, keep):
    """The mean of what is no padding; zeros where all is."""
    tokens = [token for token, k in zip(sequence, keep, strict=True) if k]
    return sum(tokens, np.zeros(sequence.shape[1])) / max(len(tokens), 1)


def self_attention_pooling(sequence, keep, weights, num_heads=1):
    """arXiv:1706.03762, then the mean."""
    attended = cross_attention(sequence, sequence, weights, num_heads, keep)
    return mean_pooling(attended, keep)


def dice(x, alpha, mean, variance, epsilon):
    """f(s) = p(s) s + (1 − p(s)) α s of one token, arXiv:1706.06978."""
    p = 1 / (1 + np.exp(-(x - mean) / np.sqrt(variance + epsilon)))
    return p * x + (1 - p) * alpha * x


def target_attention(sequence, keep, query, weights, num_layers, activation, softmaxed=False):
    """The local activation unit of one row, arXiv:1706.06978, and the weights.

    `activation` takes the number of a layer and a token.
    """
    active = [token for token, k in zip(sequence, keep, strict=True) if k]
    scores = []
    for token in active:
        x = np.concatenate([query, token, query - token, query * token])
        for i in range(num_layers):
            x = activation(i, dense(x, weights[f"dense_{i}_kernel"], weights[f"dense_{i}_bias"]))
        scores.append(dense(x, weights["score_kernel"], weights.get("score_bias"))[0])
    scores = softmax(scores) if softmaxed and scores else scores
    total = sum((w * s for w, s in zip(scores, active, strict=True)), np.zeros(len(query)))
    return total, scores


# What `ctrmoe explain` shows: one row, one query and one key at a time.


def attention_weights(query, context, weights, num_heads=1, keep=None):
    """softmax(Q W_Q (K W_K)ᵀ / √d_k) of one row, `[H, Q, N]`; padding has none."""
    width = np.shape(query)[1] // num_heads
    alpha = np.zeros((num_heads, len(query), len(context)))
    active = [k for k in range(len(context)) if keep is None or keep[k]]
    for h in range(num_heads if active else 0):
        head = slice(h * width, (h + 1) * width)
        for m, token in enumerate(query):
            q = dense(token, weights["query_kernel"], weights.get("query_bias"))[head]
            keys = [dense(context[k], weights["key_kernel"])[head] for k in active]
            alpha[h, m, active] = softmax([np.dot(q, key) / math.sqrt(width) for key in keys])
    return alpha


# Numeric embeddings: one row, one field and one bin at a time; weights by their place in the layer.


def _number_tokens(x, missing, embed):
    """`embed(field, number)` for every number, the field's `missing` where it is NaN."""
    return np.array(
        [
            [missing[n] if math.isnan(v) else embed(n, float(v)) for n, v in enumerate(row)]
            for row in x
        ]
    )


def autodis(x, weights, skip, temperature):
    """arXiv:2012.08986: soft discretisation over meta-embeddings."""

    def embed(n, number):
        hidden = [number * w for w in weights["scales"][n]]
        hidden = np.array([h if h > 0 else 0.2 * h for h in hidden])
        scores = dense(hidden, weights["kernels"][n]) + skip * hidden
        shares = softmax([s / temperature for s in scores])
        return sum(p * e for p, e in zip(shares, weights["embeddings"][n], strict=True))

    return _number_tokens(x, weights["missing"], embed)


def piecewise_linear(x, edges, weights, activation=None):
    """arXiv:2203.05556; `edges` are the distinct edges of each field."""

    def embed(n, number):
        bins, parts = edges[n], []
        for t in range(1, len(bins)):
            first, last = t == 1, t == len(bins) - 1
            if number < bins[t - 1] and not first:
                parts.append(0.0)
            elif number >= bins[t] and not last:
                parts.append(1.0)
            else:
                parts.append((number - bins[t - 1]) / (bins[t] - bins[t - 1]))
        kernel = weights["kernels"][n][: len(parts)]
        return dense(parts, kernel, weights["biases"][n], activation)

    return _number_tokens(x, weights["missing"], embed)


def periodic(x, weights, activation="relu"):
    """arXiv:2203.05556: v = [sin(2π c x), cos(2π c x)]."""

    def embed(n, number):
        angles = [2 * math.pi * c * number for c in weights["frequencies"][n]]
        waves = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
        return dense(waves, weights["kernels"][n], weights["biases"][n], activation)

    return _number_tokens(x, weights["missing"], embed)


def bottom_mlp(x, weights, num_layers):
    """arXiv:1906.00091: one token; flags of missing numbers follow the numbers."""
    tokens = []
    for row in x:
        numbers = [0.0 if math.isnan(v) else float(v) for v in row]
        flags = [float(math.isnan(v)) for v in row]
        tokens.append(mlp([numbers + flags], weights, num_layers, prefix="mlp_"))
    return np.array(tokens)


# Tables: one id at a time.


def combined(rows, combiner, weights=None):
    """One vector of the rows of several ids, those of padding left out."""
    if not len(rows):
        return 0.0
    if combiner == "max":
        return np.array([max(row[d] for row in rows) for d in range(len(rows[0]))])
    weights = [1.0] * len(rows) if weights is None else weights
    total = sum(w * row for w, row in zip(weights, rows, strict=True))
    divisors = {"sum": 1.0, "mean": sum(weights), "sqrtn": math.sqrt(sum(w**2 for w in weights))}
    return total / (divisors[combiner] or 1.0)


def quotient_remainder(index, remainders, quotients, operation):
    """arXiv:1909.02107: the embedding of an id of two rows."""
    buckets = len(remainders)
    first, second = remainders[index % buckets], quotients[index // buckets]
    if operation == "multiply":
        return first * second
    return first + second if operation == "add" else np.concatenate([first, second])


# Mixtures of experts: one row and one expert at a time.


def expert(x, weights, index, shared=False, activation=None, output_activation=None):
    """A multilayer perceptron with the weights of one expert; `x` is one row."""
    layers = sum(name.startswith("kernel_") for name in weights)
    for layer in range(layers):
        kernel, bias = weights[f"kernel_{layer}"][index], weights[f"bias_{layer}"][index]
        if shared:
            kernel = kernel * weights[f"shared_kernel_{layer}"]
            bias = bias + weights[f"shared_bias_{layer}"]
        x = x @ kernel + bias
        act = output_activation if layer == layers - 1 else activation
        x = act(x) if act else x
    return x


def gated_linear_expert(x, weights, index):
    """SwiGLU with the weights of one expert; `x` is one row."""
    parts = {
        name: lambda v, name=name: (
            v @ weights[f"{name}_kernel"][index] + weights[f"{name}_bias"][index]
        )
        for name in ("gate", "value", "output")
    }
    gate = parts["gate"](x)
    return parts["output"](gate / (1 + np.exp(-gate)) * parts["value"](x))


def mixture(x, index, gate, apply, num_experts):
    """`y_t = Σ_k gate_tk · apply(x_t, index_tk)`; the index E stands for none."""
    result = np.zeros((len(x), len(apply(x[0], 0))))
    for row, experts in enumerate(index):
        for choice, expert in enumerate(experts):
            if expert < num_experts:
                result[row] += gate[row, choice] * apply(x[row], expert)
    return result


def switch_balance(probs, index):
    """`E Σ_e f_e P_e` by counting."""
    rows, experts = probs.shape
    f = np.zeros(experts)
    for choices in index:
        for choice in choices:
            if choice < experts:
                f[choice] += 1 / (rows * sum(c < experts for c in choices))
    return experts * sum(f[e] * probs[:, e].mean() for e in range(experts))


# Networks of several domains: one row at a time.


def domain_normalization(x, domain, weights, batch=True, epsilon=1e-3):
    """arXiv:2101.11427; one row alone is normalised by the moving statistics."""
    result = np.zeros_like(x)
    for row, p in enumerate(domain):
        mean, variance = weights["moving_mean"][p], weights["moving_variance"][p]
        own = [x[i] for i in range(len(x)) if domain[i] == p]
        if batch and len(own) > 1:
            mean = sum(own) / len(own)
            variance = sum((other - mean) ** 2 for other in own) / len(own)
        normal = (x[row] - mean) / np.sqrt(variance + epsilon)
        gamma, beta = weights["gamma"], weights["beta"]
        result[row] = gamma[-1] * gamma[p] * normal + beta[-1] + beta[p]
    return result


# Networks of several domains: one row at a time, and every domain whether needed or not.


def gated_sum(logits, results):
    """`Σ_k softmax(logits)_k results_k`."""
    return sum(gate * result for gate, result in zip(softmax(logits), results, strict=True))


def relu_experts(x, weights, name, indices):
    """Some experts of a bank, with ReLU after every layer."""
    activations = {"activation": relu, "output_activation": relu}
    return [expert(x, below(weights, name), index, **activations) for index in indices]


def relu(x):
    return np.maximum(x, 0)


def ple(x, domain, weights, num_levels, own, shared, task=0):
    """The states of all domains through all levels, and then that of the row's domain."""
    domains = range(len(weights[f"own_{num_levels - 1}_kernel_0"]) // own)
    states, common = [x for _ in domains], x
    for level in range(num_levels):
        of_own = [
            relu_experts(states[p], weights, f"own_{level}", range(own * p, own * (p + 1)))
            for p in domains
        ]
        of_all = relu_experts(common, weights, f"shared_{level}", range(shared))
        if f"gates_{level}_kernel" in weights:
            gates = weights[f"gates_{level}_kernel"].reshape(len(domains), own + shared, -1)
            logits = [gates[p] @ states[p] for p in domains]
        else:
            logits = [expert(states[p], below(weights, f"gates_{level}_bank"), p) for p in domains]
        if level == num_levels - 1:
            logits = [z.reshape(-1, own + shared)[task] for z in logits]
        states = [gated_sum(logits[p], of_own[p] + of_all) for p in domains]
        if level < num_levels - 1:
            every = [result for results in of_own for result in results] + of_all
            common = gated_sum(weights[f"shared_gate_{level}_kernel"] @ common, every)
    return states[domain]


def hinet(x, domain, weights, num_tasks, own, shared):
    """arXiv:2303.06095: the three parts of a row's representation, then the experts of tasks."""
    domains = range(len(weights["queries_vectors"]))
    of_all = relu_experts(x, weights, "shared", range(shared))
    common = gated_sum(x @ weights["shared_gate_kernel"], of_all)
    states = []
    for q in domains:
        logits = weights["own_gates_kernel"][own * q : own * (q + 1)] @ x
        experts = relu_experts(x, weights, "own", range(own * q, own * (q + 1)))
        states.append(gated_sum(logits, experts))
    others = [q for q in domains if q != domain]
    scores = [weights["queries_vectors"][domain] @ weights["keys_vectors"][q] for q in others]
    taken = gated_sum(scores, [states[q] for q in others]) if others else 0 * common
    c = np.concatenate([common, states[domain], taken])
    gates = (c @ weights["task_gates_kernel"]).reshape(num_tasks, own + shared)
    results = [
        relu_experts(c, weights, "task", range(own * t, own * (t + 1)))
        + relu_experts(c, weights, "shared_task", range(shared))
        for t in range(num_tasks)
    ]
    return np.array([gated_sum(gates[t], results[t]) for t in range(num_tasks)])


# AdaptDHM's routing (shared equations of arXiv:2211.12105 and its public re-implementations).


def cluster_logits(x, centres, temperature=0.1, normalise=True):
    """`⟨x̂_i, μ_k⟩ / τ`, one pair at a time."""
    rows = [row / np.linalg.norm(row) if normalise else row for row in x]
    return np.array([[row @ centre / temperature for centre in centres] for row in rows])


def moved_centres(
    x,
    centres,
    temperature=0.1,
    normalise=True,
    momentum=0.9,
    iterations=3,
    update="batch",
    normalise_batch=True,
):
    """The centres after the iterations on a batch; one row and one cluster at a time."""
    current = list(centres)
    for _ in range(iterations):
        logits = cluster_logits(x, current, temperature, normalise)
        found, moved = [], []
        for cluster, centre in enumerate(current):
            total, mass = np.zeros_like(centre), 0.0
            for row, scores in zip(x, logits, strict=True):
                r = np.exp(scores[cluster] - scores.max()) / np.exp(scores - scores.max()).sum()
                total += r * (row / np.linalg.norm(row) if normalise else row)
                mass += r
            own = total / np.linalg.norm(total) if mass >= 1e-6 else centre
            old = centre if update == "iteration" else centres[cluster]
            mean = momentum * old + (1 - momentum) * (own if normalise_batch else total)
            moved.append(mean / np.linalg.norm(mean))
            found.append(own)
        current = moved if update == "iteration" else found
    return np.array(moved)


def gate_unit(x, weights, gamma=2.0):
    """arXiv:2302.01115: the scales of one row."""
    hidden = np.maximum(x @ weights["hidden_kernel"] + weights["hidden_bias"], 0)
    return gamma / (1 + np.exp(-(hidden @ weights["scales_kernel"] + weights["scales_bias"])))


def pepnet(x, domain, weights, tasks, widths, epnet=True, ppnet=True, activation="relu"):
    """arXiv:2302.01115, sections 3.3 and 3.4: `[B, T, U]`, tower by tower."""
    act = np.tanh if activation == "tanh" else lambda v: np.maximum(v, 0)
    results = np.zeros((len(x), tasks, widths[-1]))
    for row, p in enumerate(domain):
        vector, scaled = weights["domain_embedding_vectors"][p], x[row]
        if epnet:
            gate = gate_unit(np.concatenate([vector, x[row]]), below(weights, "epnet"))
            scaled = gate * x[row]
        scales = np.ones(tasks * sum(widths))
        if ppnet:
            prior = np.concatenate([x[row], vector, scaled])
            scales = gate_unit(prior, below(weights, "ppnet"))
        for task in range(tasks):
            own = list(scales[task * sum(widths) :])
            h = scaled * [own.pop(0) for _ in scaled]
            for layer in range(len(widths) - 1):
                kernel = weights[f"towers_{layer}_kernel_0"][task]
                h = act(h @ kernel + weights[f"towers_{layer}_bias_0"][task])
                h = h * [own.pop(0) for _ in h]
            results[row, task] = h
    return results


def sarnet(x, domain, weights, own_experts):
    """arXiv:2110.06475, sections 3.3 and 3.4: `[B, U]`, expert by expert."""
    results = []
    for row, p in enumerate(domain):
        v = x[row] * weights["scales_vectors"][p] + weights["offsets_vectors"][p]
        logits = np.exp(v @ weights["gate_kernel"] + weights["gate_bias"])
        parts = [("shared_experts", e) for e in range(len(logits) - own_experts)]
        parts += [("own_experts", p * own_experts + e) for e in range(own_experts)]
        total = 0.0
        for gate, (bank, index) in zip(logits / logits.sum(), parts, strict=True):
            total = total + gate * expert(v, below(weights, bank), index, activation=relu)
        results.append(total)
    return np.array(results)


def meta_network(views, vector, weights, num_layers):
    """arXiv:2201.06814: meta attention of each task over the views, then the meta tower."""
    width = views.shape[1]

    def meta_unit(h, name):
        flat = vector @ weights[f"{name}_kernel"] + weights[f"{name}_bias"]
        generated = flat.reshape(len(h) + 1, width)
        return relu(h @ generated[:-1] + generated[-1])

    results = []
    for task in weights["tasks"]:
        pairs = [np.concatenate([view, task]) for view in views]
        scores = [float(meta_unit(pair, "attention") @ weights["query"][:, 0]) for pair in pairs]
        result = gated_sum(scores, views)
        for layer in range(num_layers):
            result = relu(meta_unit(result, f"tower_{layer}") + result)
        results.append(result)
    return np.array(results)


def m2m(x, domain, weights, num_experts, num_layers, num_vector_layers, read_input=False):
    """One row; the weights are generated from its domain's vector, or from that and the row."""
    views = np.array(relu_experts(x, weights, "experts", range(num_experts)))
    vector = weights["domains_vectors"][domain]
    if read_input:
        vector = np.concatenate([vector, x])
    vector = mlp([vector], weights, num_vector_layers, prefix="vector_")[0]
    return meta_network(views, vector, below(weights, "meta"), num_layers)


def m3oe(x, domain, weights, num_tasks, num_experts, num_layers):
    """arXiv:2404.18465: the representation, then the experts of all, of domains and of tasks."""
    star = expert(x, below(weights, "star_bank"), domain, shared=True)
    z = mlp([star], weights, num_layers, prefix="mlp_")[0]
    z = z + x @ weights["skip_kernel"] + weights["skip_bias"]

    def share(name):
        return 1 / (1 + np.exp(-weights[name]))

    def mixed(results, own, of_own):
        others = [result for index, result in enumerate(results) if index != own]
        rest = (1 - of_own) * sum(others) / len(others) if others else 0
        return of_own * results[own] + rest

    logits = expert(z, below(weights, "gates_bank"), domain)
    common = gated_sum(logits, relu_experts(z, weights, "shared", range(num_experts)))
    of_domains = relu_experts(z, weights, "domains", range(len(weights["domains_kernel_0"])))
    common = common + share("domain_share") * mixed(of_domains, domain, share("own_domain"))
    if num_tasks == 1:
        return common[None]
    of_tasks = relu_experts(z, weights, "tasks", range(num_tasks))
    return np.array(
        [
            common + share("task_share") * mixed(of_tasks, task, share("own_task"))
            for task in range(num_tasks)
        ]
    )


def adasparse(x, domain, weights, pruner, alpha, beta=2.0, epsilon=0.01):
    """arXiv:2206.13108: the results, and which neurons are kept `[layer][B, H]`."""
    layers = sum(name.startswith("pruner_") and name.endswith("kernel") for name in weights)
    results, kept = [], [[] for _ in range(layers)]
    for row, p in enumerate(domain):
        h = x[row]
        for layer in range(layers):
            if layer:
                part = below(weights, f"dense_{layer - 1}")
                h = relu(h @ part["kernel"] + part["bias"])
            part = below(weights, f"pruner_{layer}")
            vector = np.concatenate([weights["domain_embedding_vectors"][p], h])
            v = vector @ part["kernel"] + part["bias"]
            soft = 1 / (1 + np.exp(-v if pruner == "scaling" else -alpha * v))
            keep = np.ones_like(h) if pruner == "scaling" else (soft > epsilon).astype(float)
            h = h * (keep if pruner == "binarization" else beta * soft * keep)
            kept[layer].append(keep)
        results.append(h)
    return np.array(results), [np.array(rows) for rows in kept]


# Feature ranking


def shifted_information(codes, labels):
    """OutRank 0.97.5, row by row: H(Y'|X) - H(Y|X), Y'_i = Y_(i + N_(X_i)) mod n, no singletons."""
    rows = len(codes)
    sizes = {code: codes.count(code) for code in set(codes)}

    def conditional_entropy(of):
        total = 0.0
        for code, size in sizes.items():
            if size == 1:
                continue
            here = [of[i] for i in range(rows) if codes[i] == code]
            for label in set(here):
                share = here.count(label) / size
                total -= size / rows * share * math.log(share)
        return total

    if sum(codes) == sum(labels):
        shares = [labels.count(label) / rows for label in set(labels)]
        return -sum(s * math.log(s) for s in shares) - conditional_entropy(labels)
    shifted = [labels[(i + sizes[codes[i]]) % rows] for i in range(rows)]
    return conditional_entropy(shifted) - conditional_entropy(labels)


# Combinations of features: every place, value and sweep in a loop of its own.


def additive_rates(members, sizes, positives, sweeps=4_000):
    """Logistic regression on an effect of each member's category, by small gradient steps."""
    effects = [dict.fromkeys(member, 0.0) for member in members]
    rates = [0.5] * len(sizes)
    for _ in range(sweeps):
        for member, effect in zip(members, effects, strict=True):
            for category in effect:
                at = [i for i, found in enumerate(member) if found == category]
                short = sum(positives[i] - sizes[i] * rates[i] for i in at)
                effect[category] += 2 * short / sum(sizes[i] for i in at)
            for i in range(len(sizes)):
                logit = sum(e[m[i]] for e, m in zip(effects, members, strict=True))
                rates[i] = 1 / (1 + math.exp(-logit))
    return rates


def likelihood_ratio(k, size, rate):
    """k ln(k / (N p)) + (N - k) ln((N - k) / (N (1 - p)))."""
    result = 0.0
    for count, chance in ((k, rate), (size - k, 1 - rate)):
        if count:
            result += count * math.log(count / (size * chance))
    return result


def binomial_moments(size, rate):
    """Mean and variance of the likelihood ratio, summed over all counts."""
    chances = [math.comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(size + 1)]
    ratios = [likelihood_ratio(k, size, rate) for k in range(size + 1)]
    mean = sum(c * t for c, t in zip(chances, ratios, strict=True))
    return mean, sum(c * (t - mean) ** 2 for c, t in zip(chances, ratios, strict=True))


def conditional_information(values, labels, strata):
    """I(X; Y | G): that of each stratum, weighted by its share of the rows."""
    total = 0.0
    for stratum in sorted(set(strata)):
        rows = [i for i, found in enumerate(strata) if found == stratum]
        for value in {values[i] for i in rows}:
            at = [i for i in rows if values[i] == value]
            for label in {labels[i] for i in at}:
                both = sum(labels[i] == label for i in at)
                alone = sum(labels[i] == label for i in rows)
                total += both * math.log(both * len(rows) / (len(at) * alone))
    return total / len(labels)


def three_mr(relevance, redundancy, relation, alpha=1.0, beta=1.0):
    """The greedy order; redundancy and relation by sets of two, all three scaled already."""
    chosen, left = [], sorted(relevance)
    while left:
        values = {}
        for name in left:
            pairs = [frozenset((name, other)) for other in chosen]
            red, relat = (
                float(np.median([found.get(p, 0.0) for p in pairs])) if pairs else 0.0
                for found in (redundancy, relation)
            )
            values[name] = relevance[name] - alpha * red + beta * relat
        best = max(left, key=lambda name: (values[name], -left.index(name)))
        chosen.append(best)
        left.remove(best)
    return chosen
