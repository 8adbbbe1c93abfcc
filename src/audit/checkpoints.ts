import type { KeyObject } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { prepare, queriesOver, translated } from '../sqlite/sqlite';
import type { AuditTables } from './audit-database';
import { type AuditChainName, auditChainNames, type ChainHead } from './chain-entry';
import { type Checkpoint, checkpointOf, isSignedBy, parseNote } from './checkpoint';
import { segmentLength } from './merkle';
import { segmentOf } from './touched-ids';
import type { Anchor } from './verify';

const queries = queriesOver<AuditTables>();

export interface CheckpointsDeps {
  readonly database: Database;
  readonly origin: string;
  readonly key: KeyObject | undefined;
  /** Undefined where a chain has lost entries: nothing is vouched for then. */
  head(chain: AuditChainName): (ChainHead & { readonly life: number }) | undefined;
  onCheckpoint(checkpoint: Checkpoint): void;
}

/** Makes checkpoints of both chains, and keeps the latest of each segment beside the chain of accesses. */
export class Checkpoints {
  readonly #deps: CheckpointsDeps;
  readonly #put;
  readonly #all;
  readonly #latest = new Map<AuditChainName, { size: number; checkpoint?: Checkpoint }>();

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
            // One that says more than there is now is evidence.
            .where('audit_checkpoints.size', '<=', p('size')),
        ),
    );
    this.#all = prepare<{ chain: string }, AuditTables['audit_checkpoints']>(deps.database, (p) =>
      queries.selectFrom('audit_checkpoints').selectAll().where('chain', '=', p('chain')).orderBy('segment'),
    );
    for (const chain of auditChainNames) this.#latest.set(chain, { size: this.#all.all({ chain }).at(-1)?.size ?? 0 });
  }

  /** Whether a chain has grown into another segment since its latest checkpoint: that should not wait for the next second. */
  isDue(chain: AuditChainName, size: number): boolean {
    return Math.floor(size / segmentLength) > Math.floor(this.reached(chain) / segmentLength);
  }

  /** Makes a checkpoint of each chain that has grown since the latest. */
  make(): void {
    const made = auditChainNames.flatMap((chain) => {
      const head = this.#deps.head(chain);
      if (head === undefined || head.size === 0 || head.size === this.#latest.get(chain)?.size) return [];
      return [checkpointOf(chain, head, this.#deps)];
    });
    if (made.length === 0) return;
    const put = this.#deps.database.transaction(() => {
      for (const { chain, size, note } of made) this.#put.run({ chain, segment: segmentOf(size), size, note });
    });
    translated(() => put.immediate());
    for (const checkpoint of made) {
      this.#latest.set(checkpoint.chain, { size: checkpoint.size, checkpoint });
      this.#deps.onCheckpoint(checkpoint);
    }
  }

  /** A checkpoint of each chain as it is now. */
  current(): Checkpoint[] {
    this.make();
    return auditChainNames.flatMap((chain) => {
      const head = this.#deps.head(chain);
      if (head === undefined) return [];
      return [this.#latest.get(chain)?.checkpoint ?? checkpointOf(chain, head, this.#deps)];
    });
  }

  /** What is stored, as verification takes it. A line that is no checkpoint of that chain stands for a root that none has. */
  stored(chain: AuditChainName, publicKey: KeyObject | undefined): Anchor[] {
    return this.#all.all({ chain }).map(({ size, note }): Anchor => {
      const said = parseNote(String(note));
      if (said === undefined || said.chain !== chain || said.size !== size) {
        return { size: Number(size), root: new Uint8Array(), life: 0, from: 'stored' };
      }
      const isSigned = publicKey !== undefined && isSignedBy(said.note, publicKey);
      return { size, root: Buffer.from(said.root, 'base64'), life: said.life, from: isSigned ? 'signed' : 'stored' };
    });
  }

  /** Up to where a chain has been checkpointed. */
  reached(chain: AuditChainName): number {
    return this.#latest.get(chain)?.size ?? 0;
  }
}
