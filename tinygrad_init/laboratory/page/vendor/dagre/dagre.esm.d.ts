// What the page uses of dagre.

export interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Routed extends Placed {
  points: { x: number; y: number }[];
}

export class Graph {
  constructor(options: { multigraph?: boolean });
  setGraph(label: Record<string, string | number>): Graph;
  graph(): { width: number; height: number };
  setNode(name: string, label: { width: number; height: number }): Graph;
  node(name: string): Placed;
  setEdge(from: string, to: string, label: { width: number; height: number; labelpos: "l" | "c" | "r" }, name: string): Graph;
  edge(from: string, to: string, name: string): Routed;
}

export function layout(graph: Graph): void;
