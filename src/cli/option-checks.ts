/** Says what is wrong with the value of an option: what it takes instead. */
export type Check = (text: string) => string | undefined;

/** A whole number between two others. */
export function whole(least: number, most: number): Check {
  return (text) =>
    /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most
      ? undefined
      : `a whole number in ${least}..${most}`;
}

/** One of some words. */
export function oneOf(...choices: readonly string[]): Check {
  return (text) => (choices.includes(text) ? undefined : choices.join(' or '));
}

/** Labels, as a path or as a list. */
export function isNamespace(text: string): string | undefined {
  if (!text.startsWith('[')) return undefined;
  const labels = parsed(text);
  const isList = Array.isArray(labels) && labels.every((label) => typeof label === 'string');
  return isList ? undefined : 'labels as support/eu or ["a/b","c"]';
}

/** An object as JSON. */
export function isJsonObject(text: string): string | undefined {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object as JSON';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
