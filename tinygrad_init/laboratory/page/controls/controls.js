// The left column, from what the network learns to how.

import { byId } from "../dom.js";
import { dataControls } from "./data.js";
import { layerControls } from "./layers.js";
import { seedControls, trainingControls } from "./training.js";
import { variantControls } from "./variants.js";

export function controls() {
  const form = byId("controls");
  form.append(dataControls(), layerControls(), variantControls(), trainingControls(), seedControls());
  form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field changes it, no more
}
