import { InMemoryStore, type Item, type Operation, type SearchOperation } from '@langchain/langgraph-checkpoint';

/** LangGraph's own store, with the two differences that the README lists: the order of a search, and emptied namespaces. */
export class Reference {
  readonly #store = new InMemoryStore();
  /** In the order in which they were first put, or put again after they were deleted. */
  #items: { namespace: string[]; key: string }[] = [];

  async answer(operation: Operation): Promise<unknown> {
    if ('namespacePrefix' in operation) return this.#search(operation);
    if ('matchConditions' in operation) {
      const filled = new InMemoryStore();
      for (const { namespace, key } of this.#items) await filled.put(namespace, key, {});
      const [listed] = await filled.batch([operation]);
      return listed;
    }
    const [answered] = (await this.#store.batch([operation])) as unknown[];
    if (!('value' in operation)) return brief(answered as Item | null);
    this.#keep(operation);
    return null;
  }

  async #search(operation: SearchOperation): Promise<unknown> {
    const { offset = 0, limit = 10 } = operation;
    const [all] = (await this.#store.batch([{ ...operation, offset: 0, limit: 1_000 }])) as [Item[]];
    const place = (item: Item) => this.#items.findIndex((each) => same(each, item));
    const ordered = all.sort((a, b) => place(a) - place(b)).map(brief);
    return ordered.slice(offset, offset + limit);
  }

  #keep({ namespace, key, value }: Operation & { namespace: string[]; key: string; value: unknown }): void {
    const item = { namespace, key };
    if (value === null) this.#items = this.#items.filter((each) => !same(each, item));
    else if (!this.#items.some((each) => same(each, item))) this.#items.push(item);
  }
}

/** An item without its times and score. */
export function brief(item: Item | null): unknown {
  return item === null ? null : { namespace: item.namespace, key: item.key, value: item.value };
}

function same(a: { namespace: string[]; key: string }, b: { namespace: string[]; key: string }): boolean {
  return JSON.stringify([a.namespace, a.key]) === JSON.stringify([b.namespace, b.key]);
}
