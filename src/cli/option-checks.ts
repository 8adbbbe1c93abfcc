/** Checks the value of an option. Returns a phrase for what is expected, or undefined if the value is valid. */
export type OptionCheck = (text: string) => string | undefined;

/** Accepts an integer from `min` to `max`. */
export function integer(min: number, max: number): OptionCheck {
  return (text) =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? undefined : `an integer from ${min} to ${max}`;
}

/** Accepts a number from 0 to 1. */
export function unitInterval(text: string): string | undefined {
  return /^(?:0?\.\d+|0|1(?:\.0+)?)$/.test(text) ? undefined : 'a number from 0 to 1, such as 0.4';
}

/** Accepts a time in ISO 8601 with a zone. The store checks the rest. */
export function timeText(text: string): string | undefined {
  const isTime = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
  return isTime ? undefined : 'a time in ISO 8601 with a zone, such as 2026-03-01T12:30:00Z';
}

/** Accepts one of the given words. */
export function oneOf(...choices: readonly string[]): OptionCheck {
  return (text) => (choices.includes(text) ? undefined : choices.join(' or '));
}

/** Accepts a namespace: labels joined with slashes, or a JSON list of labels. */
export function namespaceText(text: string): string | undefined {
  if (!text.startsWith('[')) return undefined;
  const labels = parseJson(text);
  const isList = Array.isArray(labels) && labels.every((label) => typeof label === 'string');
  return isList ? undefined : 'labels, such as support/eu or ["a/b","c"]';
}

/** Accepts a JSON object. */
export function jsonObjectText(text: string): string | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'a JSON object';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
