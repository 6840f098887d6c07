// Places for the nodes of an expression: inputs on the left, the result on the right, each node behind what it needs.

/** @typedef {import("../protocol.js").Node} Node */

export const NODE = { width: 118, height: 62 };
const GAP = { x: 44, y: 16 };

/**
 * @param {Node[]} nodes
 * @returns {{places: Map<number, {x: number, y: number}>, width: number, height: number}}
 */
export function place(nodes) {
  /** @type {Map<number, number>} */
  const depth = new Map();
  const order = [...nodes].sort((a, b) => a.forward_order - b.forward_order);
  for (const node of order) depth.set(node.id, Math.max(-1, ...node.inputs.map((id) => depth.get(id) ?? 0)) + 1);
  // A leaf stands right before its first user: long arrows across everything are hard to follow.
  for (const node of order) {
    if (node.inputs.length) continue;
    const users = nodes.filter(({ inputs }) => inputs.includes(node.id)).map(({ id }) => depth.get(id) ?? 1);
    if (users.length) depth.set(node.id, Math.min(...users) - 1);
  }
  /** @type {Node[][]} */
  const columns = [];
  for (const node of order) (columns[depth.get(node.id) ?? 0] ??= []).push(node);
  const tallest = Math.max(...columns.map((column) => column?.length ?? 0));
  const height = tallest * (NODE.height + GAP.y) + GAP.y;
  /** @type {Map<number, {x: number, y: number}>} */
  const places = new Map();
  const pitch = { x: NODE.width + GAP.x, y: NODE.height + GAP.y };
  columns.forEach((column, i) => {
    // Next to its inputs, if they have a place already.
    const wish = (/** @type {Node} */ node) => {
      const ys = node.inputs.map((id) => places.get(id)?.y ?? height / 2);
      return ys.length ? ys.reduce((a, b) => a + b, 0) / ys.length : 0;
    };
    const sorted = i === 0 ? column : [...column].sort((a, b) => wish(a) - wish(b));
    sorted.forEach((node, k) => places.set(node.id, {
      x: GAP.y + i * pitch.x,
      y: height / 2 + (k - (sorted.length - 1) / 2) * pitch.y - NODE.height / 2,
    }));
  });
  return { places, width: columns.length * pitch.x - GAP.x + 2 * GAP.y, height };
}
