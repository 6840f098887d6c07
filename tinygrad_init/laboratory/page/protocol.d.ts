// Derived from tinygrad_init/laboratory/messages/protocol.py by python -m tinygrad_init.laboratory.messages.protocol.

export type FromPage = Configure | Play | Pause | Step | Epoch | Seek | Rewind | Select | AskPhase | AskMicroscope | AskMicroscopeWeight | AskExport;

export type FromServer = Hello | State | Frame | Progress | Phase | Microscope | Export | Error;

/** Build everything anew, and go on to a step; answer: state, then frame. */
export interface Configure {
  type: "configure";
  config: Config;
  step?: number;
}

/** An experiment; the same config is the same experiment, bit for bit. */
export interface Config {
  data?: Data;
  layers?: number[];
  activations?: ("identity" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "elu" | "selu" | "gelu" | "silu" | "softplus" | "erf" | "hard_sigmoid" | "hardtanh" | "mish" | "softsign" | "sin")[];
  starts?: Start[];
  loss?: "cross_entropy" | "binary_cross_entropy_with_logits" | "half_squared_error" | "hinge";
  optimizer?: "sgd" | "momentum" | "nesterov" | "adam" | "adamw";
  lr?: number;
  batch?: number;
  clip?: number;
  normalization?: "none" | "batch" | "layer";
  residual?: boolean;
  features?: ("x" | "y" | "x2" | "y2" | "xy" | "sin_x" | "sin_y")[];
  regularization?: "none" | "l1" | "l2";
  regularization_rate?: number;
  seed?: number;
  edits?: Edit[];
  variants?: Variant[];
}

/** What is learned: `test` is the share that is held out, `seed` (null: the experiment's) draws the samples. */
export interface Data {
  name?: "circles" | "moons" | "xor" | "gaussians" | "spirals" | "checkerboard" | "plane" | "hills" | "digits" | "points";
  samples?: number;
  noise?: number;
  points?: [number, number, number][];
  test?: number;
  seed?: number | null;
}

/** Where the weights of a linear map start: an initializer, or "normal" with sigma_w = √(fan_in · Var w). */
export interface Start {
  name?: "zeros" | "constant" | "small" | "large" | "lecun" | "lecun_uniform" | "lecun_truncated" | "xavier" | "xavier_uniform" | "xavier_truncated" | "he" | "he_uniform" | "he_truncated" | "he_fan_out" | "orthogonal" | "critical" | "identity" | "sparse" | "torch" | "normal" | "given";
  sigma_w?: number;
  sigma_b?: number;
  constant?: number;
}

/** A weight (or, without an input, a bias) that is set by hand when its step is reached; all numbers from 0. */
export interface Edit {
  step: number;
  run: number;
  layer: number;
  unit: number;
  input: number | null;
  value: number;
}

/** A run beside the first: what differs; null is as in the first. */
export interface Variant {
  label: string;
  activations?: ("identity" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "elu" | "selu" | "gelu" | "silu" | "softplus" | "erf" | "hard_sigmoid" | "hardtanh" | "mish" | "softsign" | "sin")[] | null;
  starts?: Start[] | null;
  layers?: number[] | null;
  data?: Data | null;
  loss?: "cross_entropy" | "binary_cross_entropy_with_logits" | "half_squared_error" | "hinge" | null;
  optimizer?: "sgd" | "momentum" | "nesterov" | "adam" | "adamw" | null;
  lr?: number | null;
  batch?: number | null;
  clip?: number | null;
  normalization?: "none" | "batch" | "layer" | null;
  residual?: boolean | null;
  regularization?: "none" | "l1" | "l2" | null;
  regularization_rate?: number | null;
  seed?: number | null;
}

/** Train, with so many steps between frames (0: as many as fit). */
export interface Play {
  type: "play";
  steps_per_frame?: number;
}

/** Stop training; answer: frame. */
export interface Pause {
  type: "pause";
}

/** Train so many steps; answer: frame. */
export interface Step {
  type: "step";
  steps?: number;
}

/** Train to the end of the epoch; answer: frame. */
export interface Epoch {
  type: "epoch";
}

/** Go to a step, back or forward; answer: frame. */
export interface Seek {
  type: "seek";
  step: number;
}

/** Go to step 0; answer: frame. */
export interface Rewind {
  type: "rewind";
}

/** What `detail` is about; layers from 0, null for nothing (or for the whole layer). */
export interface Select {
  type: "select";
  run?: number;
  layer?: number | null;
  unit?: number | null;
  input?: number | null;
}

/** Ask for the phase diagram of an activation. */
export interface AskPhase {
  type: "phase";
  activation: "identity" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "elu" | "selu" | "gelu" | "silu" | "softplus" | "erf" | "hard_sigmoid" | "hardtanh" | "mish" | "softsign" | "sin";
}

/** Ask for the graph of an expression at given values of its names. */
export interface AskMicroscope {
  type: "microscope";
  expression: string;
  values?: Record<string, number> | null;
}

/** Ask for the paths from the loss of one sample back to one weight. */
export interface AskMicroscopeWeight {
  type: "microscope_weight";
  layer: number;
  unit: number;
  input: number;
  run?: number;
  sample?: number;
}

/** Ask for a file. */
export interface AskExport {
  type: "export";
  what: "csv" | "json" | "python" | "page";
}

/** The first message: what there is to choose from; `own` says whether model and data are the user's own. */
export interface Hello {
  type: "hello";
  version: string;
  own: boolean;
  activations: string[];
  starts: string[];
  data: string[];
  regressions: string[];
  features: string[];
  losses: string[];
  optimizers: string[];
  normalizations: string[];
  regularizations: string[];
  limits: Limits;
  words: Record<string, Record<string, string>>;
}

/** How large an experiment may be. */
export interface Limits {
  layers: number;
  width: number;
  samples: number;
  variants: number;
  steps: number;
}

/** What was built from a config; `classes` is 0 for a regression, `inputs` are maps of the features. */
export interface State {
  type: "state";
  config: Config;
  parameters: number;
  points: Points | null;
  images: Images | null;
  classes: number;
  features: string[];
  inputs: Map[];
  epochs_of: number;
  runs: RunOf[];
  phi: Record<string, Curve>;
  notes: Said[];
}

/** Samples in the plane, each with its class or, for a regression, with its number; the last `test` are held out. */
export interface Points {
  x: (number | null)[];
  y: (number | null)[];
  label: number[];
  value: (number | null)[];
  low: number | null;
  high: number | null;
  test: number;
}

/** Some samples that are pictures: squares of bytes, one after the other, rows from above, with their classes. */
export interface Images {
  size: number;
  values: string;
  label: number[];
}

/** The output (or a unit) over the square from -1.2 to 1.2: rows from below of bytes, in base64. */
export interface Map {
  kind: "probability" | "score" | "class" | "number" | "unit";
  size: number;
  low: number | null;
  high: number | null;
  values: string;
}

/** One of the networks that are trained side by side; `points` are its own (null: those of the first). */
export interface RunOf {
  label: string;
  parameters: number;
  layers: LayerOf[];
  classes: number;
  points: Points | null;
}

/** A linear map with the activation after it ("" without one); `single`: between two units there is one weight. */
export interface LayerOf {
  name: string;
  units: number;
  inputs: number;
  activation: string;
  single: boolean;
}

/** An activation and its slope over z; saturated where |slope| is below `flat`. */
export interface Curve {
  z: (number | null)[];
  value: (number | null)[];
  slope: (number | null)[];
  flat: number | null;
}

/** A sentence as data: the key of a template of `words`, and what stands in its places, with all digits. */
export interface Said {
  key: string;
  numbers: Record<string, any>;
}

/** All runs at a step. */
export interface Frame {
  type: "frame";
  step: number;
  epoch: number | null;
  playing: boolean;
  timeline: number[];
  runs: RunNow[];
}

/** A run at a step: loss and accuracy (null: a regression) of all samples, layers of at most 256 of them. */
export interface RunNow {
  loss: number | null;
  accuracy: number | null;
  test_loss: number | null;
  test_accuracy: number | null;
  losses: ([number, number | null])[];
  test_losses: ([number, number | null])[];
  verdict: VerdictOf | null;
  answers: AnswerOf[];
  notes: Said[];
  report_step: number | null;
  layers: LayerNow[];
  edges: Edges[];
  map: Map | null;
  unit_maps: Map[][];
  confusion: number[][] | null;
  detail: Detail | null;
}

/** What is wrong, at which layer (from 1), and why. */
export interface VerdictOf {
  word: string;
  layer: number | null;
  reason: string;
  why: Said;
}

/** One of the six questions. */
export interface AnswerOf {
  key: string;
  question: string;
  good: boolean;
  sentence: string;
  said: Said;
}

/** A layer: log10 ‖∂C/∂W‖ (null for exactly 0), rms of z, a and ∂C/∂z a sample, and shares of its units or numbers. */
export interface LayerNow {
  dw: number | null;
  z: number | null;
  a: number | null;
  dz: number | null;
  saturated: number | null;
  dead: number | null;
  dead_units: number[];
  not_finite: number | null;
  distinct: number | null;
  units: number;
  theory_z: [number | null, number | null] | null;
  theory_dz: [number | null, number | null] | null;
}

/** The edges of a layer: matrices, unit by input, or in large networks only the strongest by weight or gradient. */
export interface Edges {
  weight: ((number | null)[])[] | null;
  gradient: ((number | null)[])[] | null;
  strong: string | null;
}

/** What was selected. */
export interface Detail {
  layer: number;
  unit: number | null;
  input: number | null;
  histograms: Histograms;
  into: Entering | null;
  spectrum: SpectrumOf | null;
  factors: FactorOf[];
  unit_map: Map | null;
  weight: WeightOf | null;
}

/** Of one layer, or of one of its units. */
export interface Histograms {
  z: Histogram;
  a: Histogram;
  dz: Histogram;
  dw: Histogram;
}

/** Counts between edges. */
export interface Histogram {
  edges: (number | null)[];
  counts: number[];
}

/** What goes into the activation (z, unless normalized first), and shares where it is flat and off its curve. */
export interface Entering {
  histogram: Histogram;
  flat: number | null;
  outside: number | null;
}

/** Of the weight: eigenvalues (empty unless square), singular values, log10 ‖W^t‖ for t = 1, 2, … */
export interface SpectrumOf {
  eigenvalues: ([number | null, number | null])[];
  singular: (number | null)[];
  growth: (number | null)[];
}

/** One factor of ‖∂C/∂W‖, as of `report_step`; `kind` is that of `diagnosis.Factor`. */
export interface FactorOf {
  kind: string;
  label: string;
  name: string;
  layer: number | null;
  log10: number | null;
  finite: boolean;
}

/** The selected weight, or the bias of the selected unit. */
export interface WeightOf {
  value: number | null;
  gradient: number | null;
}

/** How far training has come on its way to a distant step, to which a frame will belong. */
export interface Progress {
  type: "progress";
  step: number;
  goal: number;
}

/** The phase diagram: ln χ by rows of sigma_b, and the sigma_w of the edge of chaos for each. */
export interface Phase {
  type: "phase";
  activation: string;
  step: number;
  sigma_w: (number | null)[];
  sigma_b: (number | null)[];
  log_chi: ((number | null)[])[];
  edge: (number | null)[];
  dots: Dot[];
}

/** A layer in the phase diagram. */
export interface Dot {
  run: number;
  layer: number;
  sigma_w: number | null;
  sigma_b: number | null;
}

/** A graph of single numbers, and the number of its result. */
export interface Microscope {
  type: "microscope";
  nodes: Node[];
  output: number;
}

/** A number of a graph: `local` are the derivatives by its inputs, `incoming` is the final cotangent. */
export interface Node {
  id: number;
  op: string;
  label: string;
  inputs: number[];
  value: number | null;
  forward_order: number;
  backward_order: number;
  local: (number | null)[];
  incoming: number | null;
  contributions: Contribution[];
}

/** What one node adds to the cotangent of another; null stands for all nodes that are not shown. */
export interface Contribution {
  source: number | null;
  value: number | null;
}

/** A file. */
export interface Export {
  type: "export";
  what: string;
  name: string;
  text: string;
}

/** Something asked for cannot be done; `field` says which part of the message is to blame ("" for none). */
export interface Error {
  type: "error";
  field: string;
  message: string;
  said: Said;
}
