import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { z } from 'zod';
import type { Policy } from '../access/policy';
import type { Idempotency, MemoryDraft, WriteRequest } from '../domain/command';
import type { Limits } from '../domain/limits';
import type { RememberResult } from '../domain/memory';
import type { ParsedMemory } from '../domain/parse/parse-memory';
import type { Actor } from '../domain/principal';
import type { ParsedQuotas } from '../domain/quota';
import type { Caller } from '../domain/scope';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Clock } from '../environment/environment';
import type { ReplicatedLog } from '../log/replicated-log';
import type { ScreeningGate } from './screening-gate';

/** The parts of the store that a write needs. */
export interface WriteContext {
  readonly limits: Limits;
  readonly clock: Clock;
  newId(): string;
  /** Makes a new random seed for each command. */
  readonly seeds: { next(): Uint8Array };
  /** Returns the rules that are in force now. */
  policy(): Policy;
  /** Undefined if the store has no quotas. */
  readonly quotas: ParsedQuotas | undefined;
  /**
   * Checks whether a new memory fits into the quotas of its author. Needed only if the store has quotas.
   *
   * @throws QUOTA_EXCEEDED
   */
  assertFits(author: Actor, memory: Pick<MemoryDraft, 'namespace' | 'tags' | 'text' | 'metadata'>): void;
  readonly log: Pick<ReplicatedLog, 'propose'>;
  readonly embedder: Pick<SpaceEmbedder, 'space' | 'documents' | 'vectorIssues'>;
  /**
   * Looks up the result of an earlier call by this actor with the same idempotency key.
   *
   * @throws IDEMPOTENCY_CONFLICT if the earlier call had other content
   */
  findDuplicate(actor: Actor, idempotency: Idempotency): RememberResult | undefined;
  /** Computes the hash that the store keeps for an idempotency key. */
  hashIdempotencyKey(key: string): string;
  /** Computes a digest of content. The store's secret is the key, so the digest does not reveal the content. */
  digest(content: string): string;
  /** Undefined if new texts are not screened. */
  readonly screening: ScreeningGate | undefined;
  readonly metadataSchema: StandardSchemaV1 | undefined;
  parseMemory(input: unknown): z.ZodSafeParseResult<ParsedMemory>;
}

/** The author of a write. */
export interface Author extends Caller {
  /** Identifies the request for this write, if another process sent it. */
  readonly request?: WriteRequest;
}

/** Makes the author for one item of a batch. If another process sent the batch, each item has its own request number. */
export function ofItem(author: Author, index: number): Author {
  const { request } = author;
  return request === undefined ? author : { ...author, request: { ...request, number: request.number + index } };
}
