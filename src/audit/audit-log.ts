import type { Database } from 'better-sqlite3';
import type { ErrorCode } from '../domain/errors';
import type { Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { AuditChain } from './chain';
import type { AuditDecision, ChainHead, Touched } from './chain-entry';
import { Pseudonyms, type Seed } from './pseudonyms';

/** Memories as an entry names them: by their ids, and the namespace that they were in. */
export interface TouchedMemories {
  readonly namespace: Namespace | undefined;
  readonly ids: readonly string[];
}

/** Something that was done, or refused, before its names have become pseudonyms. */
export interface AuditEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly by: Actor;
  readonly action: string;
  readonly decision: AuditDecision;
  readonly code?: ErrorCode | undefined;
  readonly namespace?: Namespace | undefined;
  readonly touched: readonly TouchedMemories[];
  readonly policyVersion: number;
  readonly rules: readonly string[];
  readonly changeSeq: number;
  readonly head?: ChainHead | undefined;
}

/** One chain with the names that its pseudonyms stand for. */
export class AuditLog {
  readonly chain: AuditChain;
  readonly names: Pseudonyms;

  constructor(database: Database) {
    this.chain = new AuditChain(database);
    this.names = new Pseudonyms(database);
  }

  /** Writes an entry, inside the caller's transaction. */
  append(act: AuditEvent, seed: Seed): number {
    const { names } = this;
    const { party, onBehalfOf } = act.by;
    // Written out, without copies: it runs for every read and every write.
    return this.chain.append({
      at: act.at,
      party: party === 'root' ? 'root' : names.ofParty(party, seed),
      onBehalfOf: onBehalfOf === undefined ? null : names.ofParty(onBehalfOf, seed),
      action: act.action,
      decision: act.decision,
      code: act.code ?? null,
      namespace: act.namespace === undefined ? null : names.ofNamespace(act.namespace, seed),
      touched: this.#touched(act.touched, seed),
      policyVersion: act.policyVersion,
      rules: act.rules,
      changeSeq: act.changeSeq,
      head: act.head ?? null,
    });
  }

  /** Reads again what is kept in memory: after a transaction that was rolled back. */
  reload(): void {
    this.chain.reload();
    this.names.reload();
  }

  #touched(memories: readonly TouchedMemories[], seed: Seed): Touched[] {
    return memories.map(({ namespace, ids }) => [
      namespace === undefined ? null : this.names.ofNamespace(namespace, seed),
      ids,
    ]);
  }
}
