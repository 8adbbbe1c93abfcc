import type { KeyObject } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import type { ReadRecording } from '../audit/audit';
import { type Checkpoint, isOrigin, signingKeyOf } from '../audit/checkpoint';
import type { LongCallOptions } from '../domain/calls';
import type { Declaration } from '../domain/declaration';
import { defined } from '../domain/defined';
import type { Metadata } from '../domain/json';
import { defaultLimits, type Limits } from '../domain/limits';
import { forLimits } from '../domain/parse/for-limits';
import { declarationsShape } from '../domain/parse/parse-declaration';
import { quotasShape } from '../domain/parse/parse-quotas';
import {
  addIssue,
  callback,
  expected,
  fields,
  flag,
  folderShape,
  integer,
  oneOf,
  parseAll,
  present,
  progressListener,
  signal,
} from '../domain/parse/shapes';
import type { ParsedQuotas, Quotas } from '../domain/quota';
import type { Embedder } from '../embedding/embedder';
import type { Clock, Logger } from '../environment/environment';
import type { ErasureReceipt } from '../erasure/receipt';
import { receiptsShape } from '../erasure/verify-receipt';
import type { ConsolidationPolicy, ParsedPolicy } from '../lifecycle/consolidation-policy';
import type { SharedLog } from '../log/shared-log';
import type { ParsedScreening, ScreeningOptions } from '../write/screening-gate';
import { ed25519Key } from './call-shapes';
import { type ClusterOptions, type ClusterSettings, clusterShape } from './cluster-options';
import { defaultMemoryBytes } from './composition/memory-shares';
import { policiesShape } from './consolidation-shapes';
import { screeningShape } from './screening-shape';
import { type SnapshotKey, snapshotKey } from './snapshot-key';

/** Options of `MemoryStore.open` and `MemoryStore.inMemory`. */
export interface OpenOptions<M = Metadata> extends LongCallOptions {
  /**
   * Converts texts to vectors. Default: the built-in English model, which needs no download and no network. The first vectors in a store
   * determine its embedding space. Use `reembed` to move the store to another space.
   */
  embedder?: Embedder;
  /** Validates metadata and gives it a type. Any Standard Schema works, such as a Zod schema. Default: accepts any JSON object. */
  metadata?: StandardSchemaV1<unknown, M>;
  /**
   * Rules, clearances, roles and groups. They replace the declarations that an earlier `open` made. If this option is omitted, the
   * earlier declarations stay. Declarations made at run time always stay, and so do the roles and groups that they name. A read-only
   * store accepts only the declarations that are already in force.
   */
  access?: readonly Declaration[];
  /**
   * The version of `access`, an integer from 1. If the store has rules with a higher version, `access` changes nothing, and the logger gets a
   * warning. So a process with an earlier release of your program does not bring back its rules. Default: none, and `access` replaces the
   * rules of any version.
   */
  accessVersion?: number;
  /**
   * Opens the folder only for reading. Another process may write at the same time. Writes reject with STORE_READ_ONLY. If this process
   * cannot write the folder, or another user owns it, a store that no process has opened is read into RAM, and reads are not recorded in
   * its audit. Default: false.
   */
  readOnly?: boolean;
  /**
   * If true, opens the folder even if another user owns it, other users may write it, or some of its files are symbolic links. Everyone
   * who may write the folder can then read and change all memories. New files get their permissions from the umask, and existing files
   * keep theirs. If false, a folder that another user owns is not opened for writing, the folder gets the mode 700, and its files get the
   * mode 600. Default: false.
   */
  trustFolder?: boolean;
  /**
   * While this store is open, lets other processes that run as the same user call `MemoryStore.connect` to use the folder.
   * Default: false.
   */
  serve?: boolean;
  /** Makes this process a node of a cluster. Default: the store is alone. */
  cluster?: ClusterOptions;
  /**
   * A log outside of this process that several stores follow, such as `jetStream` of `multi-agent-memory/jetstream` makes. It takes the
   * place of `cluster`. Default: none.
   */
  log?: SharedLog;
  /** The source of time. Default: the system's clock; for `inMemory`, a fake clock. */
  clock?: Clock;
  /** Makes ids for memories. Must never return the same id twice. Default: UUIDv7; for `inMemory`, the same sequence in every run. */
  newId?: () => string;
  /** Receives warnings about background work, which no call can return. Default: none. */
  logger?: Logger;
  /** Limits on input. Default: see `Limits`. */
  limits?: Partial<Limits>;
  /**
   * The most that each principal may use. It does not apply to the host (`store.admin`). A write beyond a quota is refused with
   * QUOTA_EXCEEDED. If several stores in one process open the same folder, the quotas of the first store apply. Default: no quotas.
   */
  quotas?: Quotas;
  /**
   * Up to this number of visible vectors, searches are exact. For more, vectors in RAM are compared by their signs first, and an approximate
   * index is used if not all vectors fit into RAM. Default: 20,000.
   */
  exactUpTo?: number;
  /**
   * The number of bytes of RAM for everything that the store keeps: vectors, words, what readers may see, and caches. With less, searches
   * are slower and find the same, or about 99 % of it where `exactUpTo` is exceeded. A memory with a vector of 384 dimensions takes about
   * 550 bytes. What SQLite, LanceDB and Node.js take is not included. `stats` says what is used. Default: 805,306,368 (768 MiB), enough for
   * a million memories.
   */
  memoryBytes?: number;
  /** How reads are recorded in the audit, and how its checkpoints are made. Writes and refusals are always recorded. */
  audit?: AuditOptions;
  /**
   * Consolidates memories in the background while the store is open: one policy, or several for different namespaces. In a cluster one node
   * does it for all. If several stores in one process open the same folder, the options of the first store apply. Default: nothing is
   * consolidated.
   */
  consolidation?: ConsolidationPolicy | readonly ConsolidationPolicy[];
  /**
   * The receipts of erasures, as `erase` returned them. Pass all that you have when you open a restored backup: what it brings back is erased
   * again before `open` resolves, and nothing that was written later. Erasures that the store has carried out change nothing. A receipt of another
   * store, or one that was changed, is refused. The logger gets a warning if a receipt is missing. Default: none.
   */
  erased?: readonly ErasureReceipt[];
  /**
   * Looks for planted instructions in new texts from tools, documents and imports, before they are stored. What the screener takes for one
   * goes into quarantine: its trust is 'untrusted', and its writer is not told. `store.trust.quarantined`, `release` and `reject` review it.
   * 'off': nothing is screened. Default: on, with `builtInScreener()`.
   */
  screening?: ScreeningOptions | 'off';
  /** Makes snapshots of the store in the background while it is open. A read-only store makes none. Default: no snapshots. */
  snapshots?: ScheduledSnapshots;
}

/**
 * When and where snapshots are made in the background, and how many are kept. Each is complete and was opened and read before it gets its name.
 * If one fails, the event `degraded` says why, and it is made again later. If several stores in one process open the same folder, the options of
 * the first store apply.
 */
export interface ScheduledSnapshots {
  /** The folder for snapshots, outside the folder of the store, best on another disk. Each node of a cluster needs its own. */
  to: string | URL;
  /** The number of milliseconds from one snapshot to the next, 1,000 at least. A restart does not begin it again. */
  everyMs: number;
  /** So many snapshots are kept, the newest. Default: 24. */
  keep?: number;
  /** Encrypts snapshots with AES-256-GCM: 32 random bytes. Keep the key elsewhere: without it nobody can restore. Default: not encrypted. */
  encryptionKey?: SnapshotKey;
}

/** Options of the audit. If several stores in one process open the same folder, the options of the first store apply. */
export interface AuditOptions {
  /**
   * How reads are recorded. Default: 'batched'. In a folder that this process cannot write, reads are by default not recorded.
   *
   * - 'batched': within a second. A crash may lose the reads of the last second; the audit then says that entries may be missing.
   * - 'durable': before the result is returned.
   * - 'off': only reads by the host, refusals and queries of the audit.
   */
  reads?: 'durable' | 'batched' | 'off';
  /** The Ed25519 private key that signs checkpoints, as a KeyObject or in PEM format. Default: checkpoints are not signed. */
  signingKey?: KeyObject | string;
  /**
   * The name of the store in its checkpoints. It must be one word, and the same every time the store is opened. Default: a name that
   * is derived from the store's secret.
   */
  origin?: string;
  /**
   * Is called with each new checkpoint, so that you can keep it outside the store. Checkpoints are made every 1,024 entries, within a
   * second after an entry, and on close.
   */
  onCheckpoint?: (checkpoint: Checkpoint) => void;
}

/** `OpenOptions` after parsing, with defaults filled in. */
export interface Options
  extends Omit<
    OpenOptions,
    'metadata' | 'limits' | 'quotas' | 'audit' | 'cluster' | 'snapshots' | 'consolidation' | 'erased' | 'screening'
  > {
  readonly audit: Omit<AuditOptions, 'reads' | 'signingKey'> & {
    readonly reads: ReadRecording;
    /** True if the host has set the option `reads`. If reads cannot be recorded then, the store must not open. */
    readonly isRequired: boolean;
    readonly key?: KeyObject;
  };
  readonly metadata?: StandardSchemaV1;
  readonly limits: Limits;
  readonly quotas?: ParsedQuotas;
  readonly cluster?: ClusterSettings;
  readonly consolidation: readonly ParsedPolicy[];
  readonly snapshots?: {
    readonly to: string;
    readonly everyMs: number;
    readonly keep: number;
    readonly encryptionKey?: Uint8Array | undefined;
  };
  readonly erased?: readonly ErasureReceipt[];
  /** Undefined if nothing is screened. */
  readonly screening?: ParsedScreening;
  readonly readOnly: boolean;
  readonly trustFolder: boolean;
  readonly serve: boolean;
  readonly exactUpTo: number;
  readonly memoryBytes: number;
}

const defaultExactUpTo = 20_000;
const defaultKeptSnapshots = 24;
// Timers of Node.js are not longer.
const maxIntervalMs = 2 ** 31 - 1;

const limitsShape = fields(
  Object.fromEntries(Object.keys(defaultLimits).map((limit) => [limit, integer(0).optional()])) as Record<
    keyof Limits,
    z.ZodOptional<ReturnType<typeof integer>>
  >,
);

function objectWith<T>(...names: (keyof T & string)[]) {
  return z.custom<T>((value) => typeof value === 'object' && value !== null && names.every((name) => name in value), {
    error: expected(`an object with ${names.join(', ')}`),
  });
}

export const embedderShape = objectWith<Embedder>('space', 'maxTokens', 'embedDocuments', 'embedQuery');

const optionsShape = fields({
  embedder: embedderShape.optional(),
  metadata: z
    .custom<StandardSchemaV1>((value) => value !== null && value !== undefined && '~standard' in Object(value), {
      error: expected('a Standard Schema'),
    })
    .optional(),
  access: z.unknown().optional(),
  accessVersion: present(integer(1)),
  readOnly: flag.optional(),
  trustFolder: flag.optional(),
  serve: flag.optional(),
  cluster: clusterShape.optional(),
  log: objectWith<SharedLog>('connect', 'waitMs', 'maxClockSkewMs').optional(),
  clock: objectWith<Clock>('now').optional(),
  newId: callback<() => string>().optional(),
  logger: objectWith<Logger>('warn').optional(),
  limits: limitsShape.optional(),
  quotas: z.unknown().optional(),
  consolidation: z.unknown().optional(),
  erased: z.unknown().optional(),
  screening: z.unknown().optional(),
  exactUpTo: integer(0).optional(),
  memoryBytes: integer(0).optional(),
  audit: fields({
    reads: oneOf(['durable', 'batched', 'off']).optional(),
    signingKey: ed25519Key.optional(),
    origin: z
      .string({ error: expected('a string') })
      .refine(isOrigin, {
        error: 'expected one word of at most 200 characters without a plus sign, got another string.',
      })
      .optional(),
    onCheckpoint: callback<AuditOptions['onCheckpoint']>().optional(),
  }).optional(),
  snapshots: fields({
    to: folderShape,
    everyMs: integer(1_000, maxIntervalMs),
    keep: integer(1).default(defaultKeptSnapshots),
    encryptionKey: present(snapshotKey),
  }).optional(),
  signal: signal.optional(),
  onProgress: progressListener.optional(),
}).check((ctx) => {
  const { access, accessVersion } = ctx.value;
  if (accessVersion !== undefined && access === undefined)
    addIssue(ctx, 'expected `access` together with its version, got only the version.', ctx.value, ['accessVersion']);
  if (ctx.value.cluster !== undefined && ctx.value.log !== undefined)
    addIssue(ctx, 'expected either `cluster` or `log`, got both.', ctx.value, ['log']);
  if (ctx.value.readOnly !== true) return;
  if (ctx.value.serve === true)
    addIssue(ctx, 'a read-only store cannot serve its folder. Open it without `readOnly`.', ctx.value, ['serve']);
  if (ctx.value.erased !== undefined)
    addIssue(ctx, 'a read-only store erases nothing. Open it without one of both.', ctx.value, ['erased']);
  if (ctx.value.consolidation !== undefined)
    addIssue(ctx, 'a read-only store consolidates nothing. Open it without one of both.', ctx.value, ['consolidation']);
  if (ctx.value.snapshots !== undefined)
    addIssue(ctx, 'a read-only store makes no snapshots in the background. Open it without one of both.', ctx.value, [
      'snapshots',
    ]);
  if (ctx.value.cluster !== undefined)
    addIssue(ctx, 'a read-only store cannot be a node of a cluster. Open it without one of both.', ctx.value, [
      'cluster',
    ]);
  if (ctx.value.log !== undefined)
    addIssue(ctx, 'a read-only store cannot follow a log. Open it without one of both.', ctx.value, ['log']);
});

const limitedShapes = forLimits((limits) => ({
  access: declarationsShape(limits).optional(),
  quotas: quotasShape(limits).optional(),
  consolidation: policiesShape(limits).optional(),
  screening: screeningShape(limits),
}));

/** @throws INVALID_INPUT with every issue. */
export function parseOptions<M>(options: OpenOptions<M>): Options {
  const limits = limitsOf(options);
  const shapes = limitedShapes(limits);
  const [
    {
      access: _,
      limits: __,
      quotas: ___,
      consolidation: ____,
      erased: _____,
      screening: ______,
      audit,
      readOnly,
      trustFolder,
      serve,
      exactUpTo,
      memoryBytes,
      ...rest
    },
    access,
    quotas,
    consolidation,
    erased,
    screening,
  ] = parseAll(
    [optionsShape, options],
    [shapes.access, options?.access, ['access']],
    [shapes.quotas, options?.quotas, ['quotas']],
    [shapes.consolidation, options?.consolidation, ['consolidation']],
    [receiptsShape.optional(), options?.erased, ['erased']],
    [shapes.screening, options?.screening, ['screening']],
  );
  return {
    ...defined({ ...rest, access, quotas, erased, screening }),
    consolidation: consolidation ?? [],
    limits,
    audit: auditOf(audit ?? {}),
    readOnly: readOnly ?? false,
    trustFolder: trustFolder ?? false,
    serve: serve ?? false,
    exactUpTo: exactUpTo ?? defaultExactUpTo,
    memoryBytes: memoryBytes ?? defaultMemoryBytes,
  };
}

/** Reads the limits from the options. If they are invalid it returns the defaults, so that the other options can still be checked. */
function limitsOf(options: unknown): Limits {
  const given = limitsShape.safeParse((options as { limits?: unknown } | undefined)?.limits ?? {}).data;
  return { ...defaultLimits, ...(given && defined(given)) };
}

function auditOf({ reads, signingKey, origin, onCheckpoint }: Optional<AuditOptions>): Options['audit'] {
  const key = signingKey === undefined ? undefined : signingKeyOf(signingKey);
  const isRequired = reads === 'batched' || reads === 'durable';
  return { reads: reads ?? 'batched', isRequired, ...defined({ key, origin, onCheckpoint }) };
}

type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
