// The elementary gates on numbers: their value and their local derivatives, one for each input.
// Outside its domain a gate has the value NaN.

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

const GATES = {
  Add: { value: (a, b) => a + b, local: () => [1, 1] },
  Subtract: { value: (a, b) => a - b, local: () => [1, -1] },
  Multiply: { value: (a, b) => a * b, local: (a, b) => [b, a] },
  Max: { value: (a, b) => Math.max(a, b), local: (a, b) => (a >= b ? [1, 0] : [0, 1]) },
  Min: { value: (a, b) => Math.min(a, b), local: (a, b) => (a <= b ? [1, 0] : [0, 1]) },
  Negate: { value: (x) => -x, local: () => [-1] },
  Reciprocal: { value: (x) => (x === 0 ? NaN : 1 / x), local: (x) => [-1 / x / x] },
  Scale: { value: (x, { a }) => a * x, local: (x, { a }) => [a] },
  Shift: { value: (x, { c }) => x + c, local: () => [1] },
  Square: { value: (x) => x * x, local: (x) => [2 * x] },
  Exp: { value: (x) => Math.exp(x), local: (x) => [Math.exp(x)] },
  Log: { value: (x) => (x > 0 ? Math.log(x) : NaN), local: (x) => [1 / x] },
  Sigmoid: { value: sigmoid, local: (x) => [sigmoid(x) * sigmoid(-x)] },
  Tanh: { value: (x) => Math.tanh(x), local: (x) => [1 - Math.tanh(x) ** 2] },
  ReLU: { value: (x) => Math.max(x, 0), local: (x) => [x > 0 ? 1 : 0] },
  LeakyReLU: {
    value: (x, { alpha }) => (x > 0 ? x : alpha * x),
    local: (x, { alpha }) => [x > 0 ? 1 : alpha],
  },
  ELU: {
    value: (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
    local: (x, { alpha }) => [x > 0 ? 1 : alpha * Math.exp(x)],
  },
  Softplus: {
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    local: (x) => [sigmoid(x)],
  },
  Sum: { value: (x) => x, local: () => [1] },
};

// Both passes over `nodes`, which stand in order of evaluation. A node is {value} where it is given,
// else {gate, settings, reads}; `dout` holds the upstream gradients as [node, gradient], or null.
// Returns the numbers by key: v3 the value of node 3, g3 its gradient, l3.0 the local derivative
// along its first wire, s3.0 what it sends back there, d0 the first upstream gradient.
function passes(nodes, dout) {
  const numbers = {};
  const inputs = (node) => [...node.reads.map((k) => numbers[`v${k}`]), node.settings];
  nodes.forEach((node, k) => {
    numbers[`v${k}`] = node.gate ? GATES[node.gate].value(...inputs(node)) : node.value;
  });
  const arrive = (k, gradient) => {
    numbers[`g${k}`] = `g${k}` in numbers ? numbers[`g${k}`] + gradient : gradient;
  };
  dout.forEach((end, k) => {
    if (!end) return;
    numbers[`d${k}`] = end[1];
    arrive(...end);
  });
  for (let k = nodes.length - 1; k >= 0; k--) {
    if (!nodes[k].gate || !(`g${k}` in numbers)) continue;
    const local = GATES[nodes[k].gate].local(...inputs(nodes[k]));
    nodes[k].reads.forEach((source, port) => {
      const slope = Number.isNaN(numbers[`v${k}`]) ? NaN : local[port];
      numbers[`l${k}.${port}`] = slope;
      numbers[`s${k}.${port}`] = numbers[`g${k}`] * slope;
      arrive(source, numbers[`g${k}`] * slope);
    });
  }
  return numbers;
}

// A number in a few characters, digit for digit as `nets.trace.brief` writes it: at a tie Python
// rounds to the even digit, JavaScript up.
function brief(x) {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return "nan";
  if (size === Infinity) return x > 0 ? "inf" : "-inf";
  if (x === 0 || (size >= 0.095 && size < 99999.5)) {
    const tie = x.toFixed(60).match(/^-?\d+\.\d[02468](?=50*$)/);
    return tie ? tie[0] : x.toFixed(2);
  }
  const tie = x.toExponential(60).match(/^-?\d\.[02468](?=50*e)/);
  const [digits, exponent] = x.toExponential(1).split("e");
  const mantissa = tie ? tie[0] : digits;
  if (size >= 0.001 && size < 1) return String(Number(`${mantissa}e${exponent}`));
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
