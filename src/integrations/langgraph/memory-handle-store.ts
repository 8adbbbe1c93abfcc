import { BaseStore, type Operation, type OperationResults } from '@langchain/langgraph-checkpoint';
import { type Issue, MemoryError, type MemoryHandle } from '../../index';
import { checkHandle, invalidInput, unknownKeyIssues } from '../shared/input-checks';
import { checkOperation } from './checked-operation';
import { parseIndexPath } from './index-path';
import type { ItemSpace } from './item-memory';
import { invalidOperation } from './langgraph-errors';
import { type OperationResult, runOperations } from './run-operations';

/** Options of `MemoryHandleStore`. */
export interface MemoryHandleStoreOptions {
  /** The paths to index for items that are put without `index`. Default: `['$']`, the whole value. */
  fields?: readonly string[];
}

type Outcome = PromiseSettledResult<OperationResult>;

/**
 * A LangGraph `BaseStore` that keeps its items through a handle. Use it for `graph.compile({ store })`, `createAgent({ store })` and
 * wherever LangGraph accepts a store. Its namespaces are relative to the handle's scope. The access rules for the handle's principal apply.
 *
 * Each item is a memory. The item's value is the metadata, its indexed texts are the text, and its key is `langgraph:` followed by
 * the item's key. A value of more than 64 kB is the text, up to 1 MB. Memories written by other code are not LangGraph items and are never touched.
 *
 * The operations in a batch run in order. If an operation is invalid, the whole batch is rejected before anything runs. If an operation
 * fails later, the others still run. Inside a graph, only the caller of the failed operation gets the error.
 *
 * @throws InvalidNamespaceError for a namespace that LangGraph or the handle rejects, MemoryError for everything else
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
  readonly #space: ItemSpace;
  /**
   * Inside a graph, LangGraph wraps a store into an `AsyncBatchedStore`. The wrapper joins concurrent calls from different callers into
   * one batch, and rejects all of them if the batch rejects. With these two fields LangGraph takes this store for such a wrapper, and
   * uses the inner `store`. The inner store resolves or rejects each operation separately.
   */
  readonly lg_name = 'AsyncBatchedStore';
  readonly store: BaseStore;

  constructor(handle: MemoryHandle, options: MemoryHandleStoreOptions = {}) {
    super();
    checkHandle(handle);
    const issues = unknownKeyIssues(options, ['fields']);
    const { fields = ['$'] } = options;
    if (!Array.isArray(fields)) issues.push({ path: ['fields'], message: 'expected a list of paths.' });
    throwIfAny(issues);
    for (const path of fields) parseIndexPath(path);
    this.#space = { handle, root: handle.scope.namespace ?? [], fields: [...fields] };
    this.store = new SettlingStore((operations) => this.#settle(operations));
  }

  override async put(...given: Parameters<BaseStore['put']>): Promise<void> {
    if (given.length > 4) {
      const message = `expected at most 4 arguments (namespace, key, value, index), got ${given.length}.`;
      throw invalidOperation([{ path: [], message }]);
    }
    return super.put(...given);
  }

  override async search(...given: Parameters<BaseStore['search']>): ReturnType<BaseStore['search']> {
    throwIfAny(unknownKeyIssues(given[1] ?? {}, ['filter', 'limit', 'offset', 'query']));
    return super.search(...given);
  }

  override async listNamespaces(...given: Parameters<BaseStore['listNamespaces']>): Promise<string[][]> {
    throwIfAny(unknownKeyIssues(given[0] ?? {}, ['prefix', 'suffix', 'maxDepth', 'limit', 'offset']));
    return super.listNamespaces(...given);
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const outcomes = await runOperations(this.#space, operations.map(checkOperation));
    const failed = outcomes.filter((each) => each.status === 'rejected');
    if (failed.length > 0) throw batchError(failed, outcomes.length);
    return outcomes.map((each) => (each as PromiseFulfilledResult<OperationResult>).value) as OperationResults<Op>;
  }

  /** Runs every valid operation, even if others are invalid, and returns one outcome for each operation. */
  async #settle(operations: readonly Operation[]): Promise<Outcome[]> {
    const checks = await Promise.allSettled(operations.map(async (operation) => checkOperation(operation)));
    const valid = checks.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const outcomes = await runOperations(this.#space, valid);
    return checks.map((each) => (each.status === 'rejected' ? each : (outcomes.shift() as Outcome)));
  }
}

/** Returns one promise for each operation of a batch, so that each caller gets only the result of its own operation. */
class SettlingStore extends BaseStore {
  readonly #settle: (operations: readonly Operation[]) => Promise<Outcome[]>;

  constructor(settle: (operations: readonly Operation[]) => Promise<Outcome[]>) {
    super();
    this.#settle = settle;
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const outcomes = await this.#settle(operations);
    return outcomes.map((each) =>
      each.status === 'fulfilled' ? each.value : Promise.reject(each.reason),
    ) as unknown as OperationResults<Op>;
  }
}

function throwIfAny(issues: readonly Issue[]): void {
  if (issues.length > 0) throw invalidInput('options', issues);
}

/** Makes the error for a batch. If only one operation failed, it is that error. Otherwise it has all errors as its cause. */
function batchError(failed: readonly PromiseRejectedResult[], total: number): unknown {
  const reasons = failed.map(({ reason }) => reason as Error);
  const [first] = reasons;
  if (reasons.length === 1 || !MemoryError.is(first)) return first;
  const message = `${reasons.length} of ${total} operations failed; the others succeeded. First error: ${first.message}`;
  return new MemoryError(first.code, message, { issues: first.issues, cause: new AggregateError(reasons, message) });
}
