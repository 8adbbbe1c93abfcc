import { withJsonEscapes } from './visible-text';

/**
 * A path of labels, such as `['acme', 'support', 'eu']`. `[]` is the whole store. Two namespaces are equal when all their labels
 * are equal. Labels are converted to Unicode's normal form NFC, and cannot have control characters or other hidden characters.
 */
export type Namespace = readonly string[];

/** Checks whether `inner` equals `outer` or is below it. Whole labels are compared: `['acme']` does not contain `['acme-corp']`. */
export function contains(outer: Namespace, inner: Namespace): boolean {
  return outer.length <= inner.length && outer.every((label, depth) => label === inner[depth]);
}

export function sameNamespace(a: Namespace, b: Namespace): boolean {
  return a.length === b.length && contains(a, b);
}

/** Formats a namespace for messages. Code never compares namespaces in this form. */
export function showNamespace(namespace: Namespace): string {
  return withJsonEscapes(JSON.stringify(namespace));
}
