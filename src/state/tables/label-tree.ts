import type { Namespace } from '../../domain/namespace';

/** Interned namespaces: a tree of labels, compared label by label. The root is 0. */
export class LabelTree {
  readonly #children: Map<string, number>[] = [new Map()];
  readonly #paths: Namespace[] = [[]];

  /** The number of a namespace, or undefined if it was never interned. */
  find(namespace: Namespace): number | undefined {
    let node: number | undefined = 0;
    for (const label of namespace) {
      node = this.#children[node]?.get(label);
      if (node === undefined) return undefined;
    }
    return node;
  }

  pathOf(node: number): Namespace {
    const path = this.#paths[node];
    if (path === undefined) throw new Error(`No namespace has the number ${node}.`);
    return path;
  }

  /** The number that the next label takes. */
  get next(): number {
    return this.#paths.length;
  }

  add(id: number, parent: number, label: string): void {
    if (id !== this.next) throw new Error(`Namespace ${id} does not follow ${this.next - 1}.`);
    this.#paths.push([...this.pathOf(parent), label]);
    this.#children.push(new Map());
    this.#children[parent]?.set(label, id);
  }
}
