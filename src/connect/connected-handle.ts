import { invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import type { Hit, Memory, MemoryChange, RememberResult } from '../domain/memory';
import { parse } from '../domain/parse/parse';
import { parsedScopeOf } from '../domain/parse/parse-selection';
import { emptyScope, narrowScope, type ParsedScope } from '../domain/scope';
import type { Scope } from '../domain/selection';
import type { AccessHandle } from '../store/access-handle';
import type { AuditHandle } from '../store/audit-handle';
import type { ForgetResult, HandleStats, MemoryHandle, MemoryPage } from '../store/memory-handle';
import type { BatchResult } from '../write/remember-many';
import { ConnectedAccess } from './connected-access';
import { ConnectedAudit } from './connected-audit';
import { AskedList, memoriesOf } from './connected-list';
import { rememberMany } from './connected-many';
import type { Who } from './protocol';
import type { ReconnectingClient } from './reconnecting-client';
import { RpcClient } from './rpc-client';
import { WatchStream } from './stream';

type Given<M, K extends keyof MemoryHandle<M>> = MemoryHandle<M>[K] extends (...args: infer A) => unknown ? A : never;

/** The handle of one principal in another process than the store's: what it is given goes to the holder as it is. */
export class ConnectedHandle<M = Metadata> implements MemoryHandle<M> {
  readonly access: AccessHandle;
  readonly audit: AuditHandle;
  readonly scope: Readonly<Scope>;
  readonly #link: ReconnectingClient;
  readonly #asker: RpcClient;
  readonly #who: Who;
  readonly #scope: ParsedScope;

  /** @param scope What the scopes of `who` come to. */
  constructor(link: ReconnectingClient, who: Who, scope: ParsedScope) {
    this.#link = link;
    this.#who = who;
    this.#scope = scope;
    this.scope = structuredClone(scope);
    this.#asker = new RpcClient(link, who);
    this.access = new ConnectedAccess(this.#asker);
    this.audit = new ConnectedAudit(this.#asker);
  }

  remember(...args: Given<M, 'remember'>): Promise<RememberResult> {
    return this.#asker.once('remember', args);
  }

  rememberMany(...args: Given<M, 'rememberMany'>): Promise<BatchResult> {
    return rememberMany(this.#asker, ...args);
  }

  recall(...args: Given<M, 'recall'>): Promise<Hit<M>[]> {
    return this.#asker.read('recall', args);
  }

  get(...args: Given<M, 'get'>): Promise<Memory<M> | undefined> {
    return this.#asker.read('get', args);
  }

  history(...args: Given<M, 'history'>): ReturnType<MemoryHandle<M>['history']> {
    return this.#asker.read('history', args);
  }

  list(...args: Given<M, 'list'>): AskedList<Memory<M>, MemoryPage<M>> {
    return new AskedList(
      () => this.#asker.read('list', args),
      () => memoriesOf<M>(this.#asker, ...args),
    );
  }

  count(...args: Given<M, 'count'>): Promise<number> {
    return this.#asker.read('count', args);
  }

  namespaces(...args: Given<M, 'namespaces'>): ReturnType<MemoryHandle<M>['namespaces']> {
    return this.#asker.read('namespaces', args);
  }

  update(...args: Given<M, 'update'>): Promise<Memory<M>> {
    return this.#asker.once('update', args);
  }

  share(...args: Given<M, 'share'>): Promise<Memory<M>> {
    return this.#asker.once('share', args);
  }

  forget(...args: Given<M, 'forget'>): Promise<boolean> {
    return this.#asker.once('forget', args);
  }

  forgetWhere(...args: Given<M, 'forgetWhere'>): Promise<ForgetResult> {
    return args[1]?.dryRun === true ? this.#asker.read('forgetWhere', args) : this.#asker.unsure('forgetWhere', args);
  }

  watch(...args: Given<M, 'watch'>): AsyncIterable<MemoryChange<M>> {
    this.#link.assertOpen();
    const [asked = {}] = args;
    const { since = 'now', signal, ...scope } = parse(this.#link.shapes.watch, asked, 'The options');
    if (narrowScope(this.#scope, parsedScopeOf(scope)) === emptyScope) return (async function* () {})();
    const { since: _, signal: __, ...options } = asked;
    const start = since === 'now' ? this.#asker.read<string>('watch.now', [options]) : Promise.resolve(since);
    // Who reads is told.
    start.catch(() => undefined);
    const { ended } = this.#link;
    const watching = {
      ...{ asker: this.#asker, options, start },
      signal: signal === undefined ? ended : AbortSignal.any([signal, ended]),
    };
    return { [Symbol.asyncIterator]: () => new WatchStream<M>(watching) };
  }

  stats(...args: Given<M, 'stats'>): Promise<HandleStats> {
    return this.#asker.read('stats', args);
  }

  within(scope: Scope): MemoryHandle<M> {
    const bound = narrowScope(this.#scope, parse(this.#link.shapes.scope, scope, 'The scope'));
    const { principal, scopes } = this.#who;
    if (bound !== emptyScope)
      return new ConnectedHandle(this.#link, { principal, scopes: [...scopes, structuredClone(scope)] }, bound);
    const issues = [{ path: [], message: 'It lies outside the scope of the handle it should narrow.' }];
    throw invalidInput(issues, 'The scope');
  }
}
