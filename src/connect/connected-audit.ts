import { KeyObject } from 'node:crypto';
import type { Checkpoint } from '../audit/checkpoint';
import type { AuditVerification } from '../audit/verification';
import type { AuditHandle, AuditPage, AuditQuery, AuditVerifyOptions, StoreAudit } from '../store/audit-handle';
import type { AuditEntry, ExportedAuditEntry } from '../store/audit-view';
import { AskedList } from './connected-list';
import type { RpcClient } from './rpc-client';
import { streamOf } from './stream';

/** The audit, as another process asks for it. */
export class ConnectedAudit implements AuditHandle {
  readonly #asker: RpcClient;

  constructor(asker: RpcClient) {
    this.#asker = asker;
  }

  query(...args: [question?: AuditQuery]): AskedList<AuditEntry, AuditPage> {
    return new AskedList(
      () => this.#asker.read('audit.query', args),
      () => streamOf<AuditEntry>(this.#asker, 'query', args[0]),
    );
  }

  export(...args: [question?: Omit<AuditQuery, 'limit' | 'cursor'>]): AsyncIterable<ExportedAuditEntry> {
    return { [Symbol.asyncIterator]: () => streamOf<ExportedAuditEntry>(this.#asker, 'export', args[0]) };
  }
}

/** The audit of the host. */
export class ConnectedStoreAudit extends ConnectedAudit implements StoreAudit {
  readonly #asker: RpcClient;

  constructor(asker: RpcClient) {
    super(asker);
    this.#asker = asker;
  }

  verify(options?: AuditVerifyOptions): Promise<AuditVerification> {
    const key = options?.publicKey;
    const publicKey = key instanceof KeyObject ? { publicKey: pemOf(key) } : {};
    return this.#asker.read('store.audit.verify', options === undefined ? [] : [{ ...options, ...publicKey }]);
  }

  checkpoint(): Promise<Checkpoint[]> {
    return this.#asker.read('store.audit.checkpoint', []);
  }

  retain(...args: Parameters<StoreAudit['retain']>): Promise<{ dropped: number }> {
    return this.#asker.unsure('store.audit.retain', args);
  }
}

function pemOf(key: KeyObject): string {
  return key
    .export(key.type === 'private' ? { type: 'pkcs8', format: 'pem' } : { type: 'spki', format: 'pem' })
    .toString();
}
