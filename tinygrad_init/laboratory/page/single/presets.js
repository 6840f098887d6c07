// Experiments by name in the page that is one file: those of the Lab's (guide/presets.js) that its grid reaches.

/**
 * @typedef {{activation?: string, depth?: number, width?: number, stack?: string, start?: string, seed?: number, data?: string}} Setting
 * @typedef {{id: string, name: string, setting: Setting, see: string, act: string, mend: Setting, seen: string}} Preset
 *   `mend` is the one thing to do about it, `seen` is said once it is done, by the button or by hand
 */

/** What is said below is true of these: with another seed all units of ReLU may be dead. */
const BASE = { width: 6, stack: "plain", seed: 0, data: "circles" };

/** @type {Preset[]} */
export const PRESETS = [
  {
    id: "vanishing",
    name: "Vanishing",
    setting: { ...BASE, activation: "sigmoid", depth: 10, start: "xavier" },
    see: "Ten layers of sigmoid. Follow the thick line from the output (right) back to the input (left): the first layer's weights get less than a millionth of the gradient that the last layer's get.",
    act: "Change the activation to tanh",
    mend: { activation: "tanh" },
    seen: "The gradient is back: the line is nearly level (dotted: before). Press Play and watch the loss fall.",
  },
  {
    id: "exploding",
    name: "Exploding",
    setting: { ...BASE, activation: "relu", depth: 10, start: "large" },
    see: "Weights that are too large. Every layer multiplies what goes forward and what comes back, and all gradients are in the millions: the first step throws the weights away.",
    act: "Start with He instead",
    mend: { start: "he" },
    seen: "Every layer gets a gradient that it can follow (dotted: before). Press Play: it learns.",
  },
  {
    id: "same",
    name: "All the same",
    setting: { ...BASE, activation: "tanh", depth: 3, start: "constant" },
    see: "All weights start equal, so both outputs pull the units before them equally far in opposite directions: nothing but rounding comes back to the hidden layers, and the loss stays where it is.",
    act: "Start at random (Xavier)",
    mend: { start: "xavier" },
    seen: "Now each unit sees something else, and the gradient reaches the first layer (dotted: before). Press Play: together they draw the circle.",
  },
  {
    id: "dead",
    name: "Dead",
    setting: { ...BASE, activation: "relu", depth: 10, start: "he", seed: 1 },
    see: "ReLU, and chance was unkind: from layer 8 on every unit is 0 for every sample, so nothing comes back, and no layer can learn.",
    act: "Normalize batches between the layers",
    mend: { stack: "batch" },
    seen: "Units are moved to where some samples lie above 0, and every layer gets a gradient. Press Play: it learns.",
  },
  {
    id: "healthy",
    name: "Deep and healthy",
    setting: { ...BASE, activation: "tanh", depth: 10, start: "orthogonal" },
    see: "Ten layers of tanh from orthogonal weights: the gradient keeps its size all the way, so every layer can learn.",
    act: "Break it: start too small",
    mend: { start: "small" },
    seen: "The same depth, smaller weights: the gradient is gone in every layer, below what float16 can hold.",
  },
];

/**
 * What there is to say about a preset as things are now, and what to do about it; null where neither it nor its cure is there.
 * @param {Preset} preset
 * @param {(field: string) => string} now the value of a field
 * @returns {{text: string, act?: string} | null}
 */
export function storyOf({ setting, mend, see, act, seen }, now) {
  const is = (/** @type {Setting} */ wanted) => Object.entries(wanted).every(([field, value]) => now(field) === String(value));
  if (is({ ...setting, ...mend })) return { text: seen };
  return is(setting) ? { text: see, act } : null;
}
