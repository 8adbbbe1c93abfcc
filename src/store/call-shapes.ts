import { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Checkpoint } from '../audit/checkpoint';
import { defined } from '../domain/defined';
import type { ErasureTarget } from '../domain/erasure';
import type { Limits } from '../domain/limits';
import { forLimits } from '../domain/parse/for-limits';
import { memoryParser } from '../domain/parse/memory-parser';
import { declarationShape } from '../domain/parse/parse-declaration';
import { labelChangeShape, patchShape } from '../domain/parse/parse-memory';
import { principalShape } from '../domain/parse/parse-principal';
import { forgetSelectionShape, holdSelectionShape, scopeShape, selectionShape } from '../domain/parse/parse-selection';
import {
  action,
  addIssue,
  callback,
  exactName,
  exactNamespace,
  expected,
  fields,
  flag,
  integer,
  issuesOf,
  list,
  name,
  namespace,
  oneOf,
  present,
  progressListener,
  revision,
  signal,
  text,
  time,
  timeZone,
  unitInterval,
  vector,
} from '../domain/parse/shapes';
import { minTrusts } from '../domain/trust';
import type { ReembedProgress } from '../reembedding/reembedding-run';
import { consolidateShapes } from './consolidation-shapes';
import { snapshotKey } from './snapshot-key';

const maxListLimit = 1_000;
const maxHistoryLimit = 10_000;
const maxNamespaces = 10_000;
const maxBatchSize = 10_000;
const maxAuditActions = 64;
const maxCheckpoints = 10_000;
const maxIncidentIds = 10_000;

const callOptions = { signal: signal.optional() };
const readOptions = {
  ...callOptions,
  consistency: z
    .union([oneOf(['session', 'linearizable', 'local']), fields({ after: z.string() })], {
      error: expected('"session", "linearizable", "local" or { after: position }'),
    })
    .optional(),
};
const longCallOptions = { ...callOptions, onProgress: progressListener.optional() };

/** Schemas for the principal and scope of a handle, and for ids and options, which many calls have. */
function handleShapes(limits: Limits) {
  return {
    principal: principalShape(limits),
    scope: fields(scopeShape(limits)),
    id: exactName(limits),
    address: addressShape(limits),
    callOptions: fields(callOptions),
    readOptions: fields(readOptions),
    longCallOptions: fields(longCallOptions),
    subject: fields({ userId: name(limits) }),
    subjectExportOptions: fields({ ...callOptions, others: oneOf(['pseudonyms', 'named']).optional() }),
  };
}

/** Schemas for the arguments of calls that write memories. */
function memoryShapes(limits: Limits) {
  return {
    parseMemory: memoryParser(limits),
    /** Reads only the namespace. The audit needs it even if the rest of the memory is invalid. */
    namespaceOnly: z.object({ namespace: namespace(limits).optional() }),
    items: z.custom<Iterable<never> | AsyncIterable<never>>(isIterable, {
      error: expected('an iterable or an async iterable'),
    }),
    rememberManyOptions: fields({
      ...longCallOptions,
      atomic: flag.optional(),
      batchSize: integer(1, maxBatchSize).optional(),
    }),
    patch: patchShape(limits),
    labelChange: labelChangeShape(limits),
    /** The options of calls that change one memory. */
    changeOptions: fields({ ...callOptions, ifRevision: revision.optional() }),
    endorseOptions: fields({ ...callOptions, as: oneOf(minTrusts), ifRevision: revision.optional() }),
    forgetSelection: fields(forgetSelectionShape(limits)),
    forgetWhereOptions: fields({ ...longCallOptions, dryRun: flag }),
    ...consolidateShapes(limits),
  };
}

/** Schemas for the arguments of calls that read memories. */
function queryShapes(limits: Limits) {
  const selection = selectionShape(limits);
  return {
    query: text(limits),
    countOptions: fields({ ...selection, ...readOptions }),
    recallOptions: fields({
      ...selection,
      ...readOptions,
      topK: integer(1, limits.topK).optional(),
      mode: oneOf(['hybrid', 'semantic', 'keyword']).optional(),
      threshold: z
        .union([unitInterval, z.literal('likely')], { error: expected("a number from 0 to 1, or 'likely'") })
        .optional(),
      context: flag.optional(),
      maxBytes: integer(1).optional(),
      maxPerSource: integer(1, limits.topK).optional(),
      distinct: z
        .union([z.enum(['near', 'exact']), z.literal(false)], { error: expected("'near', 'exact' or false") })
        .optional(),
      explain: flag.optional(),
      time: flag.optional(),
      timeZone: timeZone.optional(),
      vector: vector.optional(),
    }),
    /** Checks that the `vector` in the options of `recall` fits the embedding space. `recallOptions` checks all other options. */
    listOptions: fields({
      ...selection,
      ...readOptions,
      limit: integer(1, maxListLimit).optional(),
      maxBytes: integer(1).optional(),
      cursor: cursorShape.optional(),
      orderBy: oneOf(['createdAt', 'validFrom']).optional(),
      order: oneOf(['newest', 'oldest']).optional(),
    }),
    comparisonOptions: fields({
      ...scopeShape(limits),
      ...readOptions,
      filter: selection.filter,
      limit: integer(1, maxListLimit).optional(),
      cursor: cursorShape.optional(),
      onProgress: progressListener.optional(),
    }),
    historyOptions: fields({
      ...readOptions,
      fromRevision: revision.optional(),
      limit: integer(1, maxHistoryLimit).optional(),
    }),
    namespacesOptions: fields({
      ...readOptions,
      within: present(namespace(limits)),
      maxDepth: integer(1, limits.namespaceDepth).optional(),
      filter: selection.filter,
      limit: integer(1, maxNamespaces).optional(),
      after: present(exactNamespace(limits)),
    }),
    watchOptions: fields({
      ...scopeShape(limits),
      ...callOptions,
      since: z.string({ error: expected('"now", "start" or a cursor') }).optional(),
    }),
  };
}

/** Schemas for the arguments of `AccessHandle` methods. */
function accessShapes(limits: Limits) {
  return {
    declaration: declarationShape(limits),
    listRulesOptions: fields({
      ...callOptions,
      within: present(namespace(limits)),
      ended: flag.optional(),
      limit: integer(1, maxListLimit).optional(),
      after: exactName(limits).optional(),
    }),
    explainRequest: fields({
      principal: principalShape(limits),
      action,
      id: exactName(limits).optional(),
      namespace: namespace(limits).optional(),
    }).check((ctx) => {
      const { id, namespace } = ctx.value;
      if ((id === undefined) !== (namespace === undefined)) return;
      const given = id === undefined ? 'neither' : 'both';
      addIssue(ctx, `expected either an id or a namespace, got ${given}.`, ctx.value);
    }),
  };
}

/** Schemas for the arguments of `AuditHandle` and `StoreAudit` methods. */
function auditShapes(limits: Limits) {
  return {
    auditQuery: fields({
      ...callOptions,
      id: present(exactName(limits)),
      userId: present(name(limits)),
      by: present(principalShape(limits)),
      action: present(
        z.union([name(limits), list(name(limits), 'an array of actions', [maxAuditActions, 'actions'])], {
          error: expected('an action or an array of actions'),
        }),
      ),
      decision: oneOf(['allowed', 'refused']).optional(),
      within: present(namespace(limits)),
      since: present(time),
      until: present(time),
      limit: integer(1, maxListLimit).optional(),
      cursor: cursorShape.optional(),
      order: oneOf(['newest', 'oldest']).optional(),
    }),
    auditVerifyOptions: fields({
      ...longCallOptions,
      head: z
        .union([checkpoint, list(checkpoint, 'an array of checkpoints', [maxCheckpoints, 'checkpoints'])], {
          error: expected('a checkpoint or an array of checkpoints'),
        })
        .optional(),
      publicKey: ed25519Key.optional(),
    }),
    auditRetainOptions: fields({ since: time }),
  };
}

/** Schemas for the arguments of `TrustHandle` methods. */
function trustShapes(limits: Limits) {
  const ids = list(exactName(limits), 'an array of ids', [maxIncidentIds, 'ids']);
  return {
    ids,
    incidentSelection: fields({
      by: present(principalShape(limits)),
      since: present(time),
      ref: present(exactName(limits)),
      ids: present(ids),
    })
      .check((ctx) => {
        const { by, ref, ids: given } = ctx.value;
        if (by !== undefined || ref !== undefined || given !== undefined) return;
        addIssue(ctx, 'expected at least one of by, ref and ids, got none of them.', ctx.value);
      })
      .transform((selection) => defined(selection)),
    containOptions: fields({ ...callOptions, dryRun: flag.optional(), derived: flag.optional() }),
    releaseTarget: z.union([exactName(limits), ids], { error: expected('the id of an incident or an array of ids') }),
    releaseOptions: fields({ ...callOptions, reason: exactName(limits).optional() }),
    anomalyOptions: fields({ ...callOptions, since: present(time) }),
    revertOptions: fields({ ...callOptions, dryRun: flag.optional() }),
    quarantinedOptions: fields({
      ...scopeShape(limits),
      ...callOptions,
      limit: integer(1, maxListLimit).optional(),
      cursor: cursorShape.optional(),
    }),
  };
}

/** Schemas for the arguments of `MemoryStore` methods, which only the host calls. */
function storeShapes() {
  return {
    lifecycleRunOptions: fields({ ...longCallOptions, dryRun: flag }),
    verifyOptions: fields({ ...longCallOptions, repair: flag.optional() }),
    releaseHoldOptions: fields({ ...callOptions, dryRun: flag.optional() }),
    purgeOptions: fields({ ...longCallOptions, dryRun: flag.optional() }),
    snapshotOptions: fields({
      ...longCallOptions,
      keep: integer(1).optional(),
      encryptionKey: present(snapshotKey),
      dryRun: flag.optional(),
    }),
    reembedOptions: fields({
      ...callOptions,
      onProgress: callback<(progress: ReembedProgress) => void>().optional(),
      batchSize: integer(1, maxBatchSize).optional(),
      maxPerSecond: z
        .number({ error: expected('a number above 0') })
        .positive({ error: expected('a number above 0') })
        .optional(),
    }),
  };
}

/** Schemas for the arguments of calls about legal holds. */
function holdShapes(limits: Limits) {
  return {
    holdRequest: fields({ matter: name(limits), selection: fields(holdSelectionShape(limits)) }),
    withheldOptions: fields({
      ...callOptions,
      after: exactName(limits).optional(),
      limit: integer(1, maxListLimit).optional(),
    }),
  };
}

/** Schemas for the arguments of erasures. */
function erasureShapes(limits: Limits) {
  return {
    erasureTarget: erasureTargetShape(limits),
    eraseOptions: fields({
      ...longCallOptions,
      dryRun: flag.optional(),
      keepAuthored: flag.optional(),
      reason: name(limits).optional(),
      mentions: list(name(limits), 'an array of words', [maxMentions, 'words']).optional(),
    }),
  };
}

/** Accepts one of the three forms of a target. */
function erasureTargetShape(limits: Limits) {
  const forms = {
    userId: fields({ userId: name(limits) }),
    ids: fields({ ids: list(exactName(limits), 'an array of ids') }),
    namespace: fields({ namespace: namespace(limits).refine(({ length }) => length > 0, { error: rootTarget }) }),
  };
  return z.unknown().transform((value, ctx): ErasureTarget => {
    const keys = Object.keys(Object(value)) as (keyof typeof forms)[];
    const shape: z.ZodType<ErasureTarget> | undefined =
      keys.length === 1 ? forms[keys[0] as keyof typeof forms] : undefined;
    if (shape === undefined) {
      addIssue(ctx, expected('an object with either userId, ids or namespace')({ input: value }), value);
      return z.NEVER;
    }
    const result = shape.safeParse(value);
    if (result.success) return result.data;
    for (const { path, message } of issuesOf(result.error)) addIssue(ctx, message, value, path);
    return z.NEVER;
  });
}

const rootTarget = 'expected at least one label, got the root, which contains the whole store.';
const maxMentions = 100;

const cursorShape = z.string({ error: expected('a cursor from an earlier page') });

/** A key as an object or in PEM format. The code that uses the key checks that it is an Ed25519 key. */
export const ed25519Key = z.union([z.string(), z.custom<KeyObject>((value) => value instanceof KeyObject)], {
  error: expected('a KeyObject or a PEM string'),
});

const checkpoint = z.custom<Checkpoint>(
  (value) => typeof value === 'object' && value !== null && typeof (value as Checkpoint).note === 'string',
  { error: expected('a checkpoint from `checkpoint()` or `onCheckpoint`') },
);

/** Accepts an id, or a key in a namespace. For an invalid value, the issues refer to the form that the value resembles. */
function addressShape(limits: Limits) {
  const [id, byKey] = [exactName(limits), fields({ namespace: namespace(limits), key: name(limits) })];
  return z.unknown().transform((value, ctx): z.output<typeof id> | z.output<typeof byKey> => {
    const shape = typeof value === 'object' && value !== null ? byKey : id;
    const result = (shape as typeof id | typeof byKey).safeParse(value);
    if (result.success) return result.data;
    const isNeither = shape === id && typeof value !== 'string';
    const issues = isNeither
      ? [{ path: [], message: expected('an id or { namespace, key }')({ input: value }) }]
      : issuesOf(result.error);
    for (const { path, message } of issues) addIssue(ctx, message, value, path);
    return z.NEVER;
  });
}

function isIterable(items: unknown): boolean {
  return typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items);
}

export type CallShapes = ReturnType<typeof callShapes>;

/** Makes the schemas that validate all arguments of calls. */
export const callShapes = forLimits((limits) => ({
  ...handleShapes(limits),
  ...memoryShapes(limits),
  ...queryShapes(limits),
  ...accessShapes(limits),
  ...auditShapes(limits),
  ...trustShapes(limits),
  ...storeShapes(),
  ...holdShapes(limits),
  ...erasureShapes(limits),
}));
