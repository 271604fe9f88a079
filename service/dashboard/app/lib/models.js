// Descriptions of models, whatever their source.
import { get, post } from "./api.js";

/** The presets, by name. */
export async function presets() {
  return (await get("presets")).data;
}

/** The description of the model that a job's request names: layers, inputs, outputs, hyperparameters. */
export async function modelOf(source) {
  if (source.preset) {
    const matching = (await presets()).find((preset) => preset.name === source.preset);
    if (!matching) throw new Error(`There is no preset ${source.preset}.`);
    return matching.model;
  }
  if (source.id) return (await get(`models/${encodeURIComponent(source.id)}`)).model;
  if (source.job) return modelOf((await get(`jobs/${source.job}`)).request.model);
  return post("specs/validate", source.spec ?? source.swiftcoremltools);
}

/** The model that is trained: in a pipeline the last one. */
export const trainedPart = (model) => (model.kind === "pipeline" ? model.last : model);

/** The feature that holds a picture, if it is the only input. Arrays [1 or 3, H, W] count as pictures. */
export function pictureInput(model) {
  const [input, ...others] = model.inputs;
  if (others.length || input?.shape?.length !== 3) return null;
  const [channels, height, width] = input.shape;
  return (channels === 1 || channels === 3) && Math.min(height, width) >= 8 ? input : null;
}
