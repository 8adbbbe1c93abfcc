import type { KeyObject } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import type { ReadRecording } from '../audit/audit';
import { type Checkpoint, isOrigin, signingKeyOf } from '../audit/checkpoint';
import type { LongCallOptions } from '../domain/calls';
import type { Declaration } from '../domain/declaration';
import type { Metadata } from '../domain/json';
import { defaultLimits, type Limits } from '../domain/limits';
import { parseAll } from '../domain/parse/parse';
import { declarationsShape } from '../domain/parse/parse-declaration';
import { fields, flag, progressListener, signal } from '../domain/parse/shapes';
import type { Embedder } from '../embedding/embedder';
import type { Clock, Logger } from '../environment/environment';
import { key } from './call-shapes';

/** How a store is opened. */
export interface OpenOptions<M = Metadata> extends LongCallOptions {
  /** Default: the built-in one, which needs no model and no network. */
  embedder?: Embedder;
  /** Types and validates metadata: any Standard Schema, such as one of Zod. */
  metadata?: StandardSchemaV1<unknown, M>;
  /**
   * Rules, clearances, roles and groups: they take the place of those declared before. Left out, those stay. What was made at
   * run time stands apart. Roles and groups that such rules name stay as if made at run time, too. With `readOnly`, only what is in
   * force already is taken.
   */
  access?: readonly Declaration[];
  /** Reads beside the process that owns the folder. Default: false. */
  readOnly?: boolean;
  /** Serves the folder to other processes of the same user, which `connect` to it, as long as it is open here. Default: false. */
  serve?: boolean;
  /** Default: the system's clock; in memory, a fake one. */
  clock?: Clock;
  /** Default: UUIDv7; in memory, stable ids. Must never repeat. */
  newId?: () => string;
  /** Told of what no caller can be told. Default: silent. */
  logger?: Logger;
  limits?: Partial<Limits>;
  /** Up to so many visible vectors are searched exactly. Default: 20,000. */
  exactUpTo?: number;
  /** Bound of the vectors kept in memory for it: some 400 bytes each at 384 dimensions. Default: 268,435,456. */
  vectorMemoryBytes?: number;
  /** Who did what and who saw what is written down in any case; this says how reads are, and who vouches for it. */
  audit?: AuditOptions;
}

/** How a store keeps its audit. Who opens a folder first in a process decides for all. */
export interface AuditOptions {
  /**
   * 'batched': reads are written down within a second; a crash may lose that second, and the next to open says so in the audit.
   * 'durable': no answer comes before its entry is on disk. 'off': only what the host reads, refusals, and questions about the
   * audit. Default: 'batched'.
   */
  reads?: 'durable' | 'batched' | 'off';
  /** An Ed25519 private key that signs checkpoints: a KeyObject, or a PEM. */
  signingKey?: KeyObject | string;
  /** Names the store in its checkpoints: one word, always the same. Default: made of the store's own key. */
  origin?: string;
  /** Told of every checkpoint, to be kept elsewhere: every 1,024 entries, within a second, and at close. */
  onCheckpoint?: (checkpoint: Checkpoint) => void;
}

/** Options with every default filled in. */
export interface Options extends Omit<OpenOptions, 'metadata' | 'limits' | 'audit'> {
  readonly audit: Omit<AuditOptions, 'reads' | 'signingKey'> & {
    readonly reads: ReadRecording;
    readonly key?: KeyObject;
  };
  readonly metadata?: StandardSchemaV1;
  readonly limits: Limits;
  readonly readOnly: boolean;
  readonly serve: boolean;
  readonly exactUpTo: number;
  readonly vectorMemoryBytes: number;
}

const defaultExactUpTo = 20_000;
const defaultVectorMemoryBytes = 256 * 2 ** 20;

const count = z.int({ error: 'must be a whole number.' }).min(0, { error: 'must not be below 0.' });
const limitsShape = fields(
  Object.fromEntries(Object.keys(defaultLimits).map((limit) => [limit, count.optional()])) as Record<
    keyof Limits,
    z.ZodOptional<typeof count>
  >,
);

function has<T>(...names: (keyof T & string)[]) {
  return z.custom<T>((value) => typeof value === 'object' && value !== null && names.every((name) => name in value), {
    error: `must be an object with ${names.join(', ')}.`,
  });
}

/** What can be an embedder. */
export const embedderShape = has<Embedder>('space', 'maxTokens', 'embedDocuments', 'embedQuery');

const optionsShape = fields({
  embedder: embedderShape.optional(),
  metadata: z
    .custom<StandardSchemaV1>((value) => value !== null && value !== undefined && '~standard' in Object(value), {
      error: 'must be a Standard Schema.',
    })
    .optional(),
  access: z.unknown().optional(),
  readOnly: flag.optional(),
  serve: flag.optional(),
  clock: has<Clock>('now').optional(),
  newId: z.custom<() => string>((value) => typeof value === 'function', { error: 'must be a function.' }).optional(),
  logger: has<Logger>('warn').optional(),
  limits: limitsShape.optional(),
  exactUpTo: count.optional(),
  vectorMemoryBytes: count.optional(),
  audit: fields({
    reads: z.enum(['durable', 'batched', 'off'], { error: "must be 'durable', 'batched' or 'off'." }).optional(),
    signingKey: key.optional(),
    origin: z
      .string({ error: 'must be a string.' })
      .refine(isOrigin, { error: 'must be one word of at most 200 characters, without a plus sign.' })
      .optional(),
    onCheckpoint: z
      .custom<AuditOptions['onCheckpoint']>((value) => typeof value === 'function', { error: 'must be a function.' })
      .optional(),
  }).optional(),
  signal: signal.optional(),
  onProgress: progressListener.optional(),
}).check((ctx) => {
  if (ctx.value.serve !== true || ctx.value.readOnly !== true) return;
  const message = 'needs the folder for itself: a store that is only read serves nobody.';
  ctx.issues.push({ code: 'custom', path: ['serve'], message, input: ctx.value });
});

/** @throws INVALID_INPUT with every issue. */
export function parseOptions<M>(options: OpenOptions<M>): Options {
  const limits = limitsOf(options);
  const declarations = declarationsShape(limits).optional();
  const [{ access: _, limits: __, audit, ...rest }, access] = parseAll(
    [optionsShape, options],
    [declarations, options?.access, ['access']],
  );
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Partial<Options>;
  return {
    ...given,
    ...(access === undefined ? {} : { access }),
    limits,
    audit: auditOf(audit ?? {}),
    readOnly: given.readOnly ?? false,
    serve: given.serve ?? false,
    exactUpTo: given.exactUpTo ?? defaultExactUpTo,
    vectorMemoryBytes: given.vectorMemoryBytes ?? defaultVectorMemoryBytes,
  };
}

/** The limits in force. Where those given make no sense, the defaults, so that the other options can be looked at too. */
function limitsOf(options: unknown): Limits {
  const given = limitsShape.safeParse((options as { limits?: unknown } | undefined)?.limits ?? {}).data;
  return { ...defaultLimits, ...(given as Partial<Limits> | undefined) };
}

function auditOf({ reads = 'batched', signingKey, origin, onCheckpoint }: Unset<AuditOptions>): Options['audit'] {
  return {
    reads,
    ...(signingKey === undefined ? {} : { key: signingKeyOf(signingKey) }),
    ...(origin === undefined ? {} : { origin }),
    ...(onCheckpoint === undefined ? {} : { onCheckpoint }),
  };
}

type Unset<T> = { readonly [K in keyof T]?: T[K] | undefined };
