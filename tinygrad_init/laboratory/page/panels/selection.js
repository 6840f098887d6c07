// What the panels are about, and what the newest frame says of it.

import { t } from "../i18n.js";
import { layerName, store } from "../state.js";

/** What the newest frame says about the selection; null as long as it is about another one. */
export function detail() {
  const { run, layer, unit } = store.selection;
  const found = store.frame?.runs[run]?.detail;
  return found && found.layer === layer && found.unit === unit ? found : null;
}

/** What the panels are about, in words. */
export function selectedName() {
  const { layer, unit, run } = store.selection;
  if (layer === null) return "–";
  return [layerName(layer, run), ...(unit === null ? [] : [t("selected.unit.n", { n: unit + 1 })])].join(t("join"));
}

/** The shape of the selected layer. */
export function selectedShape() {
  const { layer, run } = store.selection;
  return layer === null ? null : store.built?.runs[run]?.layers[layer] ?? null;
}
