// @ts-check
// The outputs that a node could show, and where its visible slots are among them.

/** The outputs that every node has, by their index in the pool. */
export const TYPED = Object.freeze([
  { name: "images", type: "IMAGE" },
  { name: "masks", type: "MASK" },
  { name: "video", type: "VIDEO" },
  { name: "audio", type: "AUDIO" },
  { name: "text", type: "STRING" },
  { name: "files", type: "STRING" },
  { name: "task_id", type: "STRING" },
]);

/** How many remote outputs can have a socket of their own, `out_1` and so on. */
export const MOST_OUTPUTS = 12;

/**
 * Where each visible slot of a form is in the pool once these are the outputs; -1: nowhere.
 * A remote output is told by its id, since its place in the pool changes with the others.
 * @param {RhForm} before @param {RhOutput[]} outputs
 */
export function slotOrigins(before, outputs) {
  return before.sockets.map((index) => {
    if (index < TYPED.length) {
      return index;
    }
    const id = before.outputs[index - TYPED.length]?.id;
    const now = outputs.findIndex((output) => output.id === id);
    return now === -1 ? -1 : TYPED.length + now;
  });
}

/** Name, type and label of the slot at a place in the pool. @param {RhForm} form @param {number} index */
export function slotOf(form, index) {
  const typed = TYPED[index];
  if (typed) {
    return { ...typed, label: "" };
  }
  const number = index - TYPED.length;
  const output = form.outputs[number];
  return { name: `out_${number + 1}`, type: output?.type ?? "*", label: output?.label ?? "" };
}
