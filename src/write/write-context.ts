import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { z } from 'zod';
import type { Policy } from '../access/policy';
import type { WriteRequest } from '../domain/command';
import type { Limits } from '../domain/limits';
import type { RememberResult } from '../domain/memory';
import type { ParsedMemory } from '../domain/parse/parse-memory';
import type { Actor } from '../domain/principal';
import type { ParsedScope } from '../domain/scope';
import type { SpaceEmbedder } from '../embedding/space-embedder';
import type { Clock } from '../environment/environment';
import type { ReplicatedLog } from '../log/replicated-log';
import type { Seeds } from './seeds';

/** What the life of a write needs. */
export interface WriteContext {
  readonly limits: Limits;
  readonly clock: Clock;
  newId(): string;
  readonly seeds: Seeds;
  /** The rules in force. */
  policy(): Policy;
  readonly log: ReplicatedLog;
  readonly embedder: SpaceEmbedder;
  /** The answer of an earlier call with the same idempotency key. Throws IDEMPOTENCY_CONFLICT. */
  findDuplicate(actor: Actor, idempotency: { key: string; digest: string }): RememberResult | undefined;
  /** Stands for content without giving it away: keyed with a secret of the store. */
  digest(content: string): string;
  readonly metadataSchema: StandardSchemaV1 | undefined;
  readonly newMemory: z.ZodType<ParsedMemory>;
}

/** Who writes, and inside which bounds. */
export interface Author {
  readonly actor: Actor;
  readonly scope: ParsedScope;
  /** The one write that is asked for, where another process asks. */
  readonly request?: WriteRequest;
}

/** The author of one item of many: in the name of another process, each is a write of its own. */
export function ofItem(author: Author, index: number): Author {
  const { request } = author;
  return request === undefined ? author : { ...author, request: { ...request, number: request.number + index } };
}
