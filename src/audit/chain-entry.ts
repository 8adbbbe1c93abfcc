import type { ErrorCode } from '../domain/errors';

/**
 * The two chains of the audit. 'changes' records commands and is written by `apply`. 'access' records reads, and calls that were
 * rejected before they became a command.
 */
export type AuditChainName = 'changes' | 'access';
export const auditChainNames: readonly AuditChainName[] = ['changes', 'access'];

/** Whether a call was allowed. A call on a memory that the caller may not read counts as refused. */
export type AuditDecision = 'allowed' | 'refused';

/** The state of a chain: its number of entries, and the root of the Merkle tree over them. */
export interface ChainHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A chain head, and how often the store had been restored from a backup at that time. */
export interface RestoredChainHead extends ChainHead {
  readonly restoreCount: number;
}

/** The ids of memories in one namespace, which is a pseudonym. Null if the namespace is unknown. */
export type Touched = readonly [namespace: string | null, ids: readonly string[]];

/** An entry of a chain. It contains pseudonyms in place of principals and namespaces, and nothing about a memory except its id. */
export interface ChainEntry {
  /** The number of the entry in its chain, from 1. */
  readonly seq: number;
  /** How often the store had been restored from a backup when the entry was written. */
  readonly restoreCount: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The pseudonym of the acting principal, or 'root' for the host. */
  readonly party: string;
  /** The pseudonym of the user on whose behalf it acted. */
  readonly onBehalfOf: string | null;
  readonly action: string;
  readonly decision: AuditDecision;
  /** The error code of a refused call. */
  readonly code: ErrorCode | null;
  /** The namespace of the call. */
  readonly namespace: string | null;
  /** The memories that the call returned, changed or asked for. */
  readonly touched: readonly Touched[];
  readonly policyVersion: number;
  /** The ids of the rules that decided. */
  readonly rules: readonly string[];
  /** The number of the last change of the store. */
  readonly changeSeq: number;
  /**
   * For the action 'epoch' (a backup was opened): the head that the chain has in the backup. For 'retain' (old entries were
   * dropped): the head at the last dropped entry.
   */
  readonly head: ChainHead | null;
}

/** An entry that is not yet in a chain, so it has no number. */
export type NewChainEntry = Omit<ChainEntry, 'seq' | 'restoreCount'>;

// The version of the format, which is the first item of each body. Change it if the order or the meaning of the items changes.
const format = 1;

type Body = [
  format: number,
  seq: number,
  restoreCount: number,
  at: number,
  party: string,
  onBehalfOf: string | null,
  action: string,
  decision: AuditDecision,
  code: ErrorCode | null,
  namespace: string | null,
  touched: readonly Touched[],
  policyVersion: number,
  rules: readonly string[],
  changeSeq: number,
  head: [size: number, root: string] | null,
];

const bodyLength = 15;

/** Encodes an entry in the form that is hashed: a JSON array with a fixed order of items, in UTF-8. */
export function encodeEntry(entry: NewChainEntry, seq: number, restoreCount: number): string {
  const { head } = entry;
  // Lists the fields instead of copying the object, which would be slower: this runs for each read and each write.
  const body: Body = [
    format,
    seq,
    restoreCount,
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

/** Decodes the body of an entry. Returns undefined if the body is invalid or has an unknown format. */
export function decodeEntry(body: string): ChainEntry | undefined {
  const items = parseJson(body);
  if (!Array.isArray(items) || items.length !== bodyLength || items[0] !== format) return undefined;
  const [, seq, restoreCount, at, party, onBehalfOf, action, decision, code, namespace, touched, ...rest] =
    items as Body;
  const [policyVersion, rules, changeSeq, head] = rest;
  const isValid =
    [seq, restoreCount, at, policyVersion, changeSeq].every(Number.isSafeInteger) &&
    [party, action, decision].every((text) => typeof text === 'string') &&
    Array.isArray(touched) &&
    touched.every((each) => Array.isArray(each) && Array.isArray(each[1])) &&
    Array.isArray(rules) &&
    (head === null || (Array.isArray(head) && Number.isSafeInteger(head[0]) && typeof head[1] === 'string'));
  if (!isValid) return undefined;
  return {
    seq,
    restoreCount,
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
    head: head === null ? null : { size: head[0], root: Buffer.from(head[1], 'base64') },
  };
}

/**
 * Returns whether a text has the form of a memory id: a UUID (RFC 9562). The audit records an unknown id only if it has this form,
 * because a caller may pass a confidential text as an id by mistake.
 */
export function looksLikeId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
