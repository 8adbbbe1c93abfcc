import type { KeyObject } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { inTransaction, prepare, queriesOver, translated } from '../sqlite/sqlite';
import type { AuditTables } from './audit-database';
import { type AuditChainName, auditChainNames, type RestoredChainHead } from './chain-entry';
import { type Checkpoint, checkpointOf, isSignedBy, parseNote } from './checkpoint';
import type { ExpectedHead } from './compare-heads';
import { segmentLength, segmentOf } from './merkle';

const queries = queriesOver<AuditTables>();

export interface CheckpointsDeps {
  readonly database: Database;
  /** Names the store in its checkpoints. */
  readonly origin: string;
  /** Signs the checkpoints. */
  readonly key: KeyObject | undefined;
  /** Returns the current head of a chain. Undefined if entries of the chain are missing: no checkpoint is then made. */
  head(chain: AuditChainName): RestoredChainHead | undefined;
  onCheckpoint(checkpoint: Checkpoint): void;
}

/** Checkpoints that were stored in one commit. */
export interface StoredCheckpoints {
  /** Counts these commits. */
  readonly number: number;
  readonly made: readonly Checkpoint[];
}

/** Makes checkpoints (signed sizes and Merkle roots) of both chains. Stores the latest checkpoint of each segment (1,024 entries). */
export class Checkpoints {
  readonly #deps: CheckpointsDeps;
  readonly #put;
  readonly #all;
  readonly #latest = new Map<AuditChainName, { size: number; checkpoint?: Checkpoint }>();
  /** How often checkpoints were stored, and which of these times was announced last. */
  #stored = 0;
  #announced = 0;

  constructor(deps: CheckpointsDeps) {
    this.#deps = deps;
    this.#put = prepare<AuditTables['audit_checkpoints'], unknown>(deps.database, (p) =>
      queries
        .insertInto('audit_checkpoints')
        .values({ chain: p('chain'), segment: p('segment'), size: p('size'), note: p('note') })
        .onConflict((conflict) =>
          conflict
            .columns(['chain', 'segment'])
            .doUpdateSet({ size: p('size'), note: p('note') })
            // Keeps a stored checkpoint of more entries than the chain has now, because it proves that entries were removed.
            .where('audit_checkpoints.size', '<=', p('size')),
        ),
    );
    this.#all = prepare<{ chain: string }, AuditTables['audit_checkpoints']>(deps.database, (p) =>
      queries.selectFrom('audit_checkpoints').selectAll().where('chain', '=', p('chain')).orderBy('segment'),
    );
    for (const chain of auditChainNames) this.#latest.set(chain, { size: this.#all.all({ chain }).at(-1)?.size ?? 0 });
  }

  /** Returns whether a chain has completed a segment since its latest checkpoint. */
  isDue(chain: AuditChainName, size: number): boolean {
    return Math.floor(size / segmentLength) > Math.floor(this.checkpointedSize(chain) / segmentLength);
  }

  /** Makes a checkpoint of each chain that has grown since its latest one. */
  make(): void {
    this.announce(this.store(this.#deps.head));
  }

  /** Stores a checkpoint of each chain that has grown since its latest one. Pass them to `announce` when they are on disk. */
  store(headOf: CheckpointsDeps['head']): StoredCheckpoints {
    const made = auditChainNames.flatMap((chain) => {
      const head = headOf(chain);
      if (head === undefined || head.size === 0 || head.size === this.#latest.get(chain)?.size) return [];
      return [checkpointOf(chain, head, this.#deps)];
    });
    const put = () => {
      for (const { chain, size, note } of made) this.#put.run({ chain, segment: segmentOf(size), size, note });
    };
    if (made.length > 0) translated(() => inTransaction(this.#deps.database, put, 'immediate'));
    return { number: ++this.#stored, made };
  }

  /** Tells of checkpoints that are on disk, unless later ones were announced meanwhile. */
  announce({ number, made }: StoredCheckpoints): void {
    if (number < this.#announced) return;
    this.#announced = number;
    for (const checkpoint of made) {
      this.#latest.set(checkpoint.chain, { size: checkpoint.size, checkpoint });
      this.#deps.onCheckpoint(checkpoint);
    }
  }

  /** Returns a checkpoint of the current state of each chain. */
  current(): Checkpoint[] {
    this.make();
    return auditChainNames.flatMap((chain) => {
      const head = this.#deps.head(chain);
      if (head === undefined) return [];
      return [this.#latest.get(chain)?.checkpoint ?? checkpointOf(chain, head, this.#deps)];
    });
  }

  /**
   * Returns the heads in the stored checkpoints, to compare with the chain. If a row is not a checkpoint of the chain, its head gets
   * an empty root, which equals the root of no chain.
   */
  storedHeads(chain: AuditChainName, publicKey: KeyObject | undefined): ExpectedHead[] {
    return this.#all.all({ chain }).map(({ size, note }): ExpectedHead => {
      const noted = parseNote(String(note));
      if (noted === undefined || noted.chain !== chain || noted.size !== size) {
        return { size: Number(size), root: new Uint8Array(), restoreCount: 0, source: 'stored' };
      }
      const isSigned = publicKey !== undefined && isSignedBy(noted.note, publicKey);
      const root = Buffer.from(noted.root, 'base64');
      return { size, root, restoreCount: noted.restoreCount, source: isSigned ? 'signed' : 'stored' };
    });
  }

  /** Returns how many entries the latest checkpoint of a chain covers. */
  checkpointedSize(chain: AuditChainName): number {
    return this.#latest.get(chain)?.size ?? 0;
  }
}
