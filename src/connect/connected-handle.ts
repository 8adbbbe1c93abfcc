import { KeyObject } from 'node:crypto';
import type { MemoryChange } from '../domain/memory';
import { parsedScopeOf } from '../domain/parse/parse-selection';
import { parse } from '../domain/parse/shapes';
import { copyOfScope, emptyScope, narrowScope, outsideScope, type ParsedScope } from '../domain/scope';
import type { AccessHandle } from '../store/access-handle';
import type { AuditHandle, StoreAudit } from '../store/audit-handle';
import type { ExportedAuditEntry } from '../store/audit-view';
import type { MemoryHandle } from '../store/memory-handle';
import { rememberMany } from './connected-remember-many';
import { copyValue } from './encoding';
import { accessRoutes, type HostAudit, handleRoutes, hostAuditRoutes } from './operations';
import type { HandleSpec } from './protocol';
import type { ReconnectingClient } from './reconnecting-client';
import { RpcClient, remoteMethods } from './rpc-client';
import { auditEntries, exportLines, listedMemories, RemoteList, WatchIterator } from './streams';

type WatchOptions = Parameters<MemoryHandle['watch']>[0];

/**
 * Makes a handle for a principal in a process that is connected to the store. The serving process checks all arguments.
 *
 * @param scope The scope of the handle: the combination of all scopes in `spec`.
 */
export function connectedHandle(client: ReconnectingClient, spec: HandleSpec, scope: ParsedScope): MemoryHandle {
  const rpc = new RpcClient(client, spec);
  return {
    ...remoteMethods<MemoryHandle, typeof handleRoutes>(rpc, handleRoutes),
    scope: copyOfScope(scope),
    access: remoteMethods<AccessHandle, typeof accessRoutes>(rpc, accessRoutes, 'access.'),
    audit: connectedAudit(rpc),
    rememberMany: (items, options) => rememberMany(rpc, items, options),
    list: (...args) =>
      new RemoteList(
        () => rpc.read('list', ...args),
        () => listedMemories(rpc, ...args),
      ),
    watch: (options) => watch(rpc, scope, options),
    exportSubject: (...args) => exportLines(rpc, args[0], args[1]),
    within: (narrower) => {
      const narrowed = narrowScope(scope, parse(client.shapes.scope, narrower, 'scope'));
      if (narrowed === emptyScope) throw outsideScope();
      const scopes = [...spec.scopes, copyValue(narrower)];
      return connectedHandle(client, { principal: spec.principal, scopes }, narrowed);
    },
  };
}

/** Makes the host's audit in a process that is connected to the store. */
export function connectedHostAudit(rpc: RpcClient): StoreAudit {
  const remote = remoteMethods<HostAudit, typeof hostAuditRoutes>(rpc, hostAuditRoutes, 'store.audit.');
  return {
    ...connectedAudit(rpc),
    ...remote,
    verify: (...args) => {
      const [options] = args;
      const key = options?.publicKey;
      return key instanceof KeyObject ? remote.verify({ ...options, publicKey: pemOf(key) }) : remote.verify(...args);
    },
  };
}

function connectedAudit(rpc: RpcClient): AuditHandle {
  return {
    query: (...args) =>
      new RemoteList(
        () => rpc.read('audit.query', ...args),
        () => auditEntries(rpc, 'query', args[0]),
      ),
    export: (query) => ({ [Symbol.asyncIterator]: () => auditEntries<ExportedAuditEntry>(rpc, 'export', query) }),
  };
}

function watch(rpc: RpcClient, handleScope: ParsedScope, given: WatchOptions = {}): AsyncIterable<MemoryChange> {
  const { client } = rpc;
  client.assertOpen();
  const { since = 'now', signal, ...scope } = parse(client.shapes.watchOptions, given, 'options');
  if (narrowScope(handleScope, parsedScopeOf(scope)) === emptyScope) return (async function* () {})();
  const { since: _, signal: __, ...options } = given;
  const start = since === 'now' ? rpc.read('watch.cursor', options) : Promise.resolve(since);
  // The first `next` rejects with this error. Without this handler, Node would report an unhandled rejection before that.
  start.catch(() => undefined);
  const deps = {
    rpc,
    options,
    start,
    signal: signal === undefined ? client.closed : AbortSignal.any([signal, client.closed]),
  };
  return { [Symbol.asyncIterator]: () => new WatchIterator(deps) };
}

function pemOf(key: KeyObject): string {
  const format = 'pem';
  return key.export(key.type === 'private' ? { type: 'pkcs8', format } : { type: 'spki', format }).toString();
}
