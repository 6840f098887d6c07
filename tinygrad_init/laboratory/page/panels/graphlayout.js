// Places for the nodes of a graph, inputs on the left and the result on the right, and ways for the arrows between them:
// dagre keeps a lane free for an arrow that goes past other nodes, and room for what is written on it.

/** @typedef {import("../protocol.js").Node} Node */
/** @typedef {{x: number, y: number}} Place */
/** @typedef {{from: number, to: number, input: number, path: string, label: Place}} Way */
/**
 * `places` are upper left corners; in a dense graph there is no room for labels on all ways at once.
 * @typedef {{places: Map<number, Place>, ways: Way[], dense: boolean, width: number, height: number}} Layout
 */

export const NODE = { width: 118, height: 62 };
const GAP = 16;
const LABEL = { width: 58, height: 14, labelpos: /** @type {const} */ ("c") };
/** Arrows that end in one column, from where on there is no room for labels on all of them. */
const MANY = 12;

/** @param {Node[]} nodes @returns {Promise<Layout>} */
export async function place(nodes) {
  // Only who looks through the microscope waits for it.
  const { Graph, layout } = await import("../vendor/dagre/dagre.esm.js");
  const ends = nodes.flatMap((node) => node.inputs.map((from, input) => ({ from, to: node.id, input })));
  const arranged = (/** @type {boolean} */ dense) => {
    const made = new Graph({ multigraph: true }); // x * x has two arrows from x
    made.setGraph({ rankdir: "LR", nodesep: GAP, edgesep: dense ? 3 : 10, ranksep: dense ? 60 : 8, marginx: GAP / 2, marginy: GAP / 2 });
    for (const { id } of nodes) made.setNode(String(id), { ...NODE });
    const room = dense ? { ...LABEL, width: 1, height: 1 } : LABEL;
    for (const { from, to, input } of ends) made.setEdge(String(from), String(to), { ...room }, String(input));
    layout(made);
    return made;
  };
  let graph = arranged(false);
  const column = (/** @type {number} */ id) => graph.node(String(id)).x;
  const columns = [...new Set(nodes.map(({ id }) => column(id)))].sort((a, b) => a - b);
  const dense = columns.some((x) => ends.filter(({ to }) => column(to) === x).length > MANY);
  // An arrow past other nodes needs a lane, however many there are.
  const passing = ends.some(({ from, to }) => columns.indexOf(column(to)) - columns.indexOf(column(from)) > 1);
  if (dense && passing) graph = arranged(true);
  const places = new Map(nodes.map(({ id }) => {
    const { x, y } = graph.node(String(id));
    return [id, { x: x - NODE.width / 2, y: y - NODE.height / 2 }];
  }));
  const { width, height } = graph.graph();
  if (dense && !passing) return { ...straight(places, ends), dense, width };
  const ways = ends.map((end) => {
    const { points, x, y } = graph.edge(String(end.from), String(end.to), String(end.input));
    const [from, to] = [graph.node(String(end.from)), graph.node(String(end.to))];
    // From side to side: dagre would let a steep arrow leave above or below, through the rest of the column.
    const sides = [{ x: from.x + NODE.width / 2, y: from.y }, { x: to.x - NODE.width / 2, y: to.y }];
    return { ...end, path: smooth([sides[0], ...points.slice(1, -1), sides[1]]), label: { x, y } };
  });
  return { places, ways, dense, width, height };
}

/**
 * The same columns, closed up, with arrows straight from node to node.
 * @param {Map<number, Place>} found
 * @param {{from: number, to: number, input: number}[]} ends
 */
function straight(found, ends) {
  /** @type {Map<number, number[]>} */
  const columns = new Map();
  for (const [id, { x }] of found) columns.set(x, [...(columns.get(x) ?? []), id]);
  const y = (/** @type {number} */ id) => found.get(id)?.y ?? 0;
  const height = Math.max(...[...columns.values()].map((ids) => ids.length)) * (NODE.height + GAP);
  const places = new Map([...columns].flatMap(([x, ids]) => ids.sort((a, b) => y(a) - y(b)).map((id, k) => (
    /** @type {const} */ ([id, { x, y: height / 2 + (k - ids.length / 2) * (NODE.height + GAP) + GAP / 2 }])))));
  const ways = ends.flatMap((end) => {
    const [from, to] = [places.get(end.from), places.get(end.to)];
    if (!from || !to) return [];
    const [a, b] = [{ x: from.x + NODE.width, y: from.y + NODE.height / 2 }, { x: to.x, y: to.y + NODE.height / 2 }];
    // Near its beginning, where others that end in the same node are far away.
    const label = { x: a.x + 0.3 * (b.x - a.x), y: a.y + 0.3 * (b.y - a.y) };
    return [{ ...end, path: `M${write(a)}L${write(b)}`, label }];
  });
  return { places, ways, height };
}

/** A curve that begins and ends in the outer points and bends towards those between. @param {Place[]} points */
function smooth(points) {
  const middle = (/** @type {Place} */ a, /** @type {Place} */ b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const bends = points.slice(1, -1).map((point, i) => `Q${write(point)} ${write(middle(point, points[i + 2]))}`);
  return `M${write(points[0])}L${write(middle(points[0], points[1]))}${bends.join("")}L${write(points[points.length - 1])}`;
}

/** @param {Place} place */
function write({ x, y }) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
