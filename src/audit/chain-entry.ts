import type { ErrorCode } from '../domain/errors';

/** 'changes': what was done to the store, written by `apply`. 'access': who read, and who was refused before a proposal. */
export type AuditChainName = 'changes' | 'access';
export const auditChainNames: readonly AuditChainName[] = ['changes', 'access'];

/** Whether something was done, or refused. */
export type AuditDecision = 'allowed' | 'refused';

/** How far a chain reached: its number of entries, and the root of the Merkle tree over them. */
export interface ChainHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Memories in one namespace. Null where the namespace is not known. */
export type Touched = readonly [namespace: string | null, ids: readonly string[]];

/** One entry of a chain. Principals and namespaces stand as pseudonyms; nothing of a memory but its id. */
export interface ChainEntry {
  /** From 1. */
  readonly seq: number;
  /** How often the store had been restored from a backup. */
  readonly life: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who acts: a pseudonym, or 'root' for the host. */
  readonly party: string;
  /** The user on whose behalf. */
  readonly onBehalfOf: string | null;
  readonly action: string;
  readonly decision: AuditDecision;
  /** Why it was refused. */
  readonly code: ErrorCode | null;
  /** The namespace that the call was about. */
  readonly namespace: string | null;
  /** The memories that were returned or changed, or were asked for. */
  readonly touched: readonly Touched[];
  readonly policyVersion: number;
  /** The ids of the rules that decided. */
  readonly rules: readonly string[];
  /** The number of the store's last change. */
  readonly changeSeq: number;
  /** Of 'epoch': the old head. Of 'retain': up to where entries were dropped. */
  readonly head: ChainHead | null;
}

// The first item of a body: another order or meaning of its items gets another number.
const format = 1;

type Body = [
  ...[format: number, seq: number, life: number, at: number, party: string, onBehalfOf: string | null, action: string],
  ...[decision: AuditDecision, code: ErrorCode | null, asked: string | null, touched: readonly Touched[]],
  ...[policyVersion: number, rules: readonly string[], index: number, head: [size: number, root: string] | null],
];

const bodyLength = 15;

/** The canonical form of an entry: a JSON array with a fixed order, hashed as UTF-8. */
export function encodeEntry(entry: Omit<ChainEntry, 'seq' | 'life'>, seq: number, life: number): string {
  const { head } = entry;
  // Written out, without copies: it runs for every read and every write.
  const body: Body = [
    format,
    seq,
    life,
    entry.at,
    entry.party,
    entry.onBehalfOf,
    entry.action,
    entry.decision,
    entry.code,
    entry.namespace,
    entry.touched,
    entry.policyVersion,
    entry.rules,
    entry.changeSeq,
    head === null ? null : [head.size, Buffer.from(head.root).toString('base64')],
  ];
  return JSON.stringify(body);
}

/** The entry that a body stands for; undefined where it is no body that this release knows. */
export function decodeEntry(body: string): ChainEntry | undefined {
  const items = parsed(body);
  if (!Array.isArray(items) || items.length !== bodyLength || items[0] !== format) return undefined;
  const [
    ,
    seq,
    life,
    at,
    party,
    onBehalfOf,
    action,
    decision,
    code,
    namespace,
    touched,
    policyVersion,
    rules,
    changeSeq,
    head,
  ] = items as Body;
  const isEntry =
    [seq, life, at, policyVersion, changeSeq].every(Number.isSafeInteger) &&
    [party, action, decision].every((text) => typeof text === 'string') &&
    Array.isArray(touched) &&
    touched.every((each) => Array.isArray(each) && Array.isArray(each[1])) &&
    Array.isArray(rules) &&
    (head === null || (Array.isArray(head) && Number.isSafeInteger(head[0]) && typeof head[1] === 'string'));
  if (!isEntry) return undefined;
  return {
    ...{
      seq,
      life,
      at,
      party,
      onBehalfOf,
      action,
      decision,
      code,
      namespace,
      touched,
      policyVersion,
      rules,
      changeSeq,
    },
    head: head === null ? null : { size: head[0], root: Buffer.from(head[1], 'base64') },
  };
}

/**
 * Whether something that was asked for looks like an id of a memory, and not like a text that somebody mistook for one:
 * a UUID (RFC 9562). Others are written down where the store knows them.
 */
export function looksLikeId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
