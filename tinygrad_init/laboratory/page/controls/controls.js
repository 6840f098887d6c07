// The left column: what is tried first, what is compared with it, then what the network learns and how.

import { byId } from "../dom.js";
import { dataControls } from "./data.js";
import { firstControls, layerControls } from "./layers.js";
import { seedControls, trainingControls } from "./training.js";
import { variantControls } from "./variants.js";

export function controls() {
  const form = byId("controls");
  form.append(firstControls(), variantControls(), dataControls(), layerControls(), trainingControls(), seedControls());
  form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field changes it, no more
}
