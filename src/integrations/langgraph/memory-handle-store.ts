import { BaseStore, type Operation, type OperationResults } from '@langchain/langgraph-checkpoint';
import { MemoryError, type MemoryHandle } from '../../index';
import { type Answer, carryOut } from './carry-out';
import type { Items } from './items';
import { checkHandle, refused, unknownIssues } from './langgraph-checks';
import { check } from './operations';
import { parsePath } from './paths';

/** What `MemoryHandleStore` takes beside its handle. */
export interface MemoryHandleStoreOptions {
  /** The paths of what is searched in items that are put without `index`. Default: `['$']`, the whole value. */
  fields?: readonly string[];
}

type Outcome = PromiseSettledResult<Answer>;

/**
 * A `BaseStore` of LangGraph over a handle: for `graph.compile({ store })`, `createAgent({ store })` and everything else that
 * takes one. Its namespaces begin where the handle's scope does, and it does what the handle's principal may do.
 *
 * An item is a memory: its value is the metadata, its indexed texts are the text, and its key is `langgraph:` and the item's own,
 * so that an item never takes the place of a memory that other code keeps there. Only items are got, searched and listed.
 *
 * Operations of a batch are carried out in order. One that is refused for its form refuses the batch before anything is done; one
 * that fails later does not hinder the others, and inside a graph only its own caller hears of it.
 *
 * @throws InvalidNamespaceError for a namespace that LangGraph or the handle does not take, MemoryError for everything else
 * @example
 * ```ts
 * import { allow, MemoryStore } from 'multi-agent-memory';
 * import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
 * const memory = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', ['support'])] });
 * const store = new MemoryHandleStore(memory.as({ agentId: 'planner' }, { namespace: ['support'] }));
 * await store.put(['users', '4417'], 'preferences', { contact: 'e-mail', language: 'de' });
 * const found = await store.search(['users'], { query: 'how do we reach this customer?', filter: { language: 'de' } });
 * ```
 */
export class MemoryHandleStore extends BaseStore {
  readonly #items: Items;
  /**
   * Inside a graph LangGraph collects what is asked at the same time into one batch, whoever asked it, and rejects all of it when
   * the batch rejects. It takes these two for such a collector and asks what is inside: there, each operation has its own answer.
   */
  readonly lg_name = 'AsyncBatchedStore';
  readonly store: BaseStore;

  constructor(handle: MemoryHandle, options: MemoryHandleStoreOptions = {}) {
    super();
    checkHandle(handle);
    const issues = unknownIssues(options, ['fields']);
    const { fields = ['$'] } = options;
    if (!Array.isArray(fields)) issues.push({ path: ['fields'], message: 'must be a list of paths.' });
    if (issues.length > 0) throw refused(issues);
    for (const path of fields) parsePath(path);
    this.#items = { handle, root: handle.scope.namespace ?? [], fields: [...fields] };
    this.store = new AnsweringEach((operations) => this.#each(operations));
  }

  override async put(...given: Parameters<BaseStore['put']>): Promise<void> {
    const [, , , , ...more] = given as unknown[];
    if (more.length > 0)
      throw refused([{ path: [], message: '`put` takes namespace, key, value and index, and no more.' }]);
    return super.put(...given);
  }

  override async search(...given: Parameters<BaseStore['search']>): ReturnType<BaseStore['search']> {
    const issues = unknownIssues(given[1] ?? {}, ['filter', 'limit', 'offset', 'query']);
    if (issues.length > 0) throw refused(issues);
    return super.search(...given);
  }

  override async listNamespaces(...given: Parameters<BaseStore['listNamespaces']>): Promise<string[][]> {
    const issues = unknownIssues(given[0] ?? {}, ['prefix', 'suffix', 'maxDepth', 'limit', 'offset']);
    if (issues.length > 0) throw refused(issues);
    return super.listNamespaces(...given);
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const outcomes = await carryOut(this.#items, operations.map(check));
    const failed = outcomes.filter((each) => each.status === 'rejected');
    if (failed.length > 0) throw failureOf(failed, outcomes.length);
    return outcomes.map((each) => (each as PromiseFulfilledResult<Answer>).value) as OperationResults<Op>;
  }

  /** Each operation by itself: also where another of them is refused for its form. */
  async #each(operations: readonly Operation[]): Promise<Outcome[]> {
    const checked = await Promise.allSettled(operations.map(async (operation) => check(operation)));
    const taken = checked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const outcomes = await carryOut(this.#items, taken);
    return checked.map((each) => (each.status === 'rejected' ? each : (outcomes.shift() as Outcome)));
  }
}

/** Answers a batch with one promise for each operation: whoever waits for one hears of that one alone. */
class AnsweringEach extends BaseStore {
  readonly #each: (operations: readonly Operation[]) => Promise<Outcome[]>;

  constructor(each: (operations: readonly Operation[]) => Promise<Outcome[]>) {
    super();
    this.#each = each;
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const outcomes = await this.#each(operations);
    return outcomes.map((each) =>
      each.status === 'fulfilled' ? each.value : Promise.reject(each.reason),
    ) as unknown as OperationResults<Op>;
  }
}

function failureOf(failed: readonly PromiseRejectedResult[], of: number): unknown {
  const reasons = failed.map(({ reason }) => reason as Error);
  const [first] = reasons;
  if (reasons.length === 1 || !MemoryError.is(first)) return first;
  const message = `${reasons.length} of ${of} operations failed, the others were carried out. The first: ${first.message}`;
  return new MemoryError(first.code, message, { issues: first.issues, cause: new AggregateError(reasons, message) });
}
