/** A path of labels. Two namespaces are equal when their labels are equal one by one; `[]` is the whole store. */
export type Namespace = readonly string[];

/** True when `inner` is `outer` or lies below it. Compared label by label: `['acme']` does not hold `['acme-corp']`. */
export function contains(outer: Namespace, inner: Namespace): boolean {
  return outer.length <= inner.length && outer.every((label, depth) => label === inner[depth]);
}

export function sameNamespace(a: Namespace, b: Namespace): boolean {
  return a.length === b.length && contains(a, b);
}

/** For people, in messages only: nothing is ever compared in this form. */
export function showNamespace(namespace: Namespace): string {
  return JSON.stringify(namespace);
}
