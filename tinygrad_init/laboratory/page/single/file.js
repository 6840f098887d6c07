// What the page knows of the file that it lies in (single/unpack.js).

/**
 * @typedef {{grid: {activations: string[], depths: number[], widths: number[], stacks: string[], seeds: number[]},
 *   points: string[], stacks: Record<string, {normalization?: string, residual?: boolean}>, clip: number,
 *   begin: import("../types.js").Config}} About
 */

/** @type {About} */
export const file = /** @type {any} */ (globalThis).labHost;

/** A network of the file, trained as the one that it opens on. @param {number} depth @param {Partial<import("../types.js").Config>} changes @returns {import("../types.js").Config} */
export function network(depth, changes) {
  const width = file.begin.layers[0];
  return { ...structuredClone(file.begin), layers: Array(depth).fill(width), variants: [], edits: [], ...changes };
}

/** Whether all networks of a config are in the file. @param {import("../types.js").Config} config */
export function within(config) {
  const { grid, points } = file;
  return [{}, ...config.variants].every((variant) => {
    const { activations, layers } = { ...config, ...Object.fromEntries(Object.entries(variant).filter(([, value]) => value !== null)) };
    const { normalization, residual } = config;
    const stack = normalization === "none" ? (residual ? "residual" : "plain") : normalization;
    return points.includes(`${activations[0]}/${layers.length}/${layers[0]}/${stack}`) && grid.seeds.includes(config.seed);
  });
}
