// The config as the page has it: with every field, and with names as texts, since the server says which ones it knows.

import type * as protocol from "./protocol.js";

export type Start = Required<Omit<protocol.Start, "name">> & { name: string };
export type Data = Required<Omit<protocol.Data, "name">> & { name: string };
/** What one number, name or switch may differ in. */
export type Setting = "loss" | "optimizer" | "lr" | "batch" | "clip" | "normalization" | "residual" | "regularization" | "regularization_rate" | "seed";
export type Variant = { label: string; activations?: string[] | null; starts?: Start[] | null; layers?: number[] | null; data?: Data | null }
  & { [name in Setting]?: Config[name] | null };

export interface Config {
  data: Data;
  features: string[];
  layers: number[];
  activations: string[];
  starts: Start[];
  loss: string;
  optimizer: string;
  lr: number;
  batch: number;
  clip: number;
  normalization: string;
  residual: boolean;
  regularization: string;
  regularization_rate: number;
  seed: number;
  edits: protocol.Edit[];
  variants: Variant[];
}
