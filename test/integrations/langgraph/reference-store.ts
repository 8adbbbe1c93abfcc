import { InMemoryStore, type Item, type Operation, type SearchOperation } from '@langchain/langgraph-checkpoint';

/** InMemoryStore with the two documented differences of MemoryHandleStore: the order of a search, and emptied namespaces. */
export class ReferenceStore {
  readonly #store = new InMemoryStore();
  /** The items in the order of their first put. A deleted item that is put again comes last. */
  #items: { namespace: string[]; key: string }[] = [];

  async run(operation: Operation): Promise<unknown> {
    if ('namespacePrefix' in operation) return this.#search(operation);
    if ('matchConditions' in operation) {
      const nonEmpty = new InMemoryStore();
      for (const { namespace, key } of this.#items) await nonEmpty.put(namespace, key, {});
      const [listed] = await nonEmpty.batch([operation]);
      return listed;
    }
    const [result] = (await this.#store.batch([operation])) as unknown[];
    if (!('value' in operation)) return itemContent(result as Item | null);
    this.#track(operation);
    return null;
  }

  async #search(operation: SearchOperation): Promise<unknown> {
    const { offset = 0, limit = 10 } = operation;
    const [all] = (await this.#store.batch([{ ...operation, offset: 0, limit: 1_000 }])) as [Item[]];
    const place = (item: Item) => this.#items.findIndex((each) => isSameItem(each, item));
    const ordered = all.sort((a, b) => place(a) - place(b)).map(itemContent);
    return ordered.slice(offset, offset + limit);
  }

  #track({ namespace, key, value }: Operation & { namespace: string[]; key: string; value: unknown }): void {
    const item = { namespace, key };
    if (value === null) this.#items = this.#items.filter((each) => !isSameItem(each, item));
    else if (!this.#items.some((each) => isSameItem(each, item))) this.#items.push(item);
  }
}

/** An item without times and score. */
export function itemContent(item: Item | null): unknown {
  return item === null ? null : { namespace: item.namespace, key: item.key, value: item.value };
}

function isSameItem(a: { namespace: string[]; key: string }, b: { namespace: string[]; key: string }): boolean {
  return JSON.stringify([a.namespace, a.key]) === JSON.stringify([b.namespace, b.key]);
}
