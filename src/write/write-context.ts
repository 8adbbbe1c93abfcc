import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { z } from 'zod';
import type { Policy } from '../access/policy';
import type { WriteRequest } from '../domain/command';
import type { Limits } from '../domain/limits';
import type { RememberResult } from '../domain/memory';
import type { ParsedMemory } from '../domain/parse/parse-memory';
import type { Actor } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Clock } from '../environment/environment';
import type { ReplicatedLog } from '../log/replicated-log';

/** What a write needs of its store. */
export interface WriteContext {
  readonly limits: Limits;
  readonly clock: Clock;
  newId(): string;
  /** Random bytes, a new seed for each command. */
  readonly seeds: { next(): Uint8Array };
  /** The rules that are in force now. */
  policy(): Policy;
  readonly log: Pick<ReplicatedLog, 'propose'>;
  readonly embedder: Pick<SpaceEmbedder, 'space' | 'documents' | 'vectorIssues'>;
  /**
   * The result of an earlier call of this actor with the same idempotency key.
   *
   * @throws IDEMPOTENCY_CONFLICT if that call had other content
   */
  findDuplicate(actor: Actor, idempotency: { key: string; digest: string }): RememberResult | undefined;
  /** A digest of content, keyed with a secret of the store so that it does not reveal the content. */
  digest(content: string): string;
  readonly metadataSchema: StandardSchemaV1 | undefined;
  readonly newMemory: z.ZodType<ParsedMemory>;
}

/** The author of a write. */
export interface Author extends Caller {
  /** The request that the write answers, if another process sent it. */
  readonly request?: WriteRequest;
}

/** The author of one item of a batch. For another process each item is a request with its own number. */
export function ofItem(author: Author, index: number): Author {
  const { request } = author;
  return request === undefined ? author : { ...author, request: { ...request, number: request.number + index } };
}
