import type { ByteReader } from '../../log/codec/byte-reader';
import { damagedEntry } from '../../log/codec/byte-reader';
import type { ByteWriter } from '../../log/codec/byte-writer';
import { bytes, type Codec, flag, list, optional, struct, word } from '../../log/codec/fields';
import type { Configuration } from '../core/configuration';
import type { ConfigurationChange, SingleChange } from '../core/configuration-change';
import { type Entry, entriesBytes, type Proposed, payloadsBytes } from '../core/entry';
import type { LeaseGrant, LeaseOffer, LeaseReport, PeerMessage, Snapshot } from '../core/messages';
import { WireError } from './wire-frames';

// The order of fields and all numbers are part of the protocol. A change needs a new version.
const version = 1;

/** An integer from 0. The ids of nodes and the numbers of a log may need more than 32 bits. */
const counter: Codec<number> = {
  write: (to, value) => to.number(value),
  read: (from) => {
    const value = from.number();
    if (!Number.isSafeInteger(value) || Object.is(value, -0) || value < 0) throw damagedEntry('a number is no counter');
    return value;
  },
};

const counters = list(counter);

const singleChange = struct<SingleChange>({
  kind: word<SingleChange['kind']>({ 'add-voter': 0, 'add-learner': 1, remove: 2, update: 3 }),
  node: counter,
});

const change = struct<ConfigurationChange>({
  transition: word<ConfigurationChange['transition']>({ auto: 0, 'joint-implicit': 1, 'joint-explicit': 2 }),
  changes: list(singleChange),
  context: optional(bytes),
});

const configuration = struct<Configuration>({
  voters: counters,
  outgoing: counters,
  learners: counters,
  learnersNext: counters,
  autoLeave: flag,
});

const snapshot = struct<Snapshot>({ index: counter, term: counter, configuration, data: bytes });

const isConfiguration = flag;

const proposed: Codec<Proposed> = {
  write: (to, value) => {
    isConfiguration.write(to, value.kind === 'configuration');
    if (value.kind === 'configuration') change.write(to, value.change);
    else bytes.write(to, value.data);
  },
  read: (from) =>
    isConfiguration.read(from)
      ? { kind: 'configuration', change: change.read(from) }
      : { kind: 'normal', data: bytes.read(from) },
};

const entry: Codec<Entry> = {
  write: (to, value) => {
    counter.write(to, value.term);
    counter.write(to, value.index);
    proposed.write(to, value);
  },
  read: (from) => {
    const place = { term: counter.read(from), index: counter.read(from) };
    return { ...proposed.read(from), ...place };
  },
};

type Kind = PeerMessage['kind'];
type OfKind<K extends Kind, M = PeerMessage> = M extends { readonly kind: infer Own }
  ? K extends Own
    ? M
    : never
  : never;
type Body<K extends Kind> = Omit<OfKind<K>, 'kind' | 'from' | 'to' | 'term'>;

const voteRequest = struct<Body<'vote-request'>>({ lastIndex: counter, lastTerm: counter, isTransfer: flag });
const voteResponse = struct<Body<'vote-response'>>({ isRejected: flag, commitIndex: counter, commitTerm: counter });

const barrier = struct<Body<'barrier'>>({ index: counter, context: counter });
const leaseOffer = struct<LeaseOffer>({
  round: counter,
  awaited: counter,
  grant: optional(struct<LeaseGrant>({ start: counter, stamp: counter })),
});
const leaseReport = struct<LeaseReport>({ round: counter, start: counter, stamp: counter, applied: counter });

/** The format of every kind of message. The compiler reports a kind and a field that are missing here. */
const formats: { readonly [K in Kind]: { readonly code: number; readonly body: Codec<Body<K>> } } = {
  'vote-request': { code: 1, body: voteRequest },
  'pre-vote-request': { code: 2, body: voteRequest },
  'vote-response': { code: 3, body: voteResponse },
  'pre-vote-response': { code: 4, body: voteResponse },
  append: {
    code: 5,
    body: struct<Body<'append'>>({
      previousIndex: counter,
      previousTerm: counter,
      commit: counter,
      entries: list(entry),
    }),
  },
  'append-response': {
    code: 6,
    body: struct<Body<'append-response'>>({ index: counter, isRejected: flag, hintIndex: counter, hintTerm: counter }),
  },
  heartbeat: {
    code: 7,
    body: struct<Body<'heartbeat'>>({ commit: counter, readRound: counter, lease: optional(leaseOffer) }),
  },
  'heartbeat-response': {
    code: 8,
    body: struct<Body<'heartbeat-response'>>({ readRound: counter, lease: optional(leaseReport) }),
  },
  snapshot: { code: 9, body: struct<Body<'snapshot'>>({ snapshot }) },
  'timeout-now': { code: 10, body: struct<Body<'timeout-now'>>({}) },
  propose: { code: 11, body: struct<Body<'propose'>>({ entries: list(proposed) }) },
  'transfer-request': { code: 12, body: struct<Body<'transfer-request'>>({ target: counter }) },
  'read-index': { code: 13, body: struct<Body<'read-index'>>({ context: counter }) },
  'read-index-response': { code: 14, body: struct<Body<'read-index-response'>>({ index: counter, context: counter }) },
  barrier: { code: 15, body: barrier },
  'barrier-response': { code: 16, body: barrier },
};

interface MessageFormat {
  readonly kind: Kind;
  readonly code: number;
  readonly body: Codec<object>;
}

// The code picks the format and the format gives the fields, which the compiler cannot follow.
const byKind = formats as unknown as Readonly<Record<Kind, { readonly code: number; readonly body: Codec<object> }>>;
const byCode = new Map<number, MessageFormat>(
  (Object.keys(byKind) as Kind[]).map((kind) => [byKind[kind].code, { kind, ...byKind[kind] }]),
);

/** Writes a message. The same message always gives the same bytes. */
export function writeMessage(to: ByteWriter, message: PeerMessage): void {
  const { code, body } = byKind[message.kind];
  to.byte(version);
  to.byte(code);
  counter.write(to, message.from);
  counter.write(to, message.to);
  counter.write(to, message.term);
  body.write(to, message);
}

/**
 * Reads the message that `writeMessage` has written, to the end of the bytes. Any bytes may be passed.
 *
 * @throws WireError for other bytes
 */
export function readMessage(from: ByteReader): PeerMessage {
  try {
    if (from.byte() !== version) throw damagedEntry('its version is not known');
    const format = byCode.get(from.byte());
    if (format === undefined) throw damagedEntry('its kind is not known');
    const envelope = { kind: format.kind, from: counter.read(from), to: counter.read(from), term: counter.read(from) };
    const message = { ...envelope, ...format.body.read(from) } as PeerMessage;
    from.end();
    return message;
  } catch (cause) {
    throw new WireError('a message of another node cannot be decoded', { cause });
  }
}

/** About how many bytes a message takes. */
export function messageBytes(message: PeerMessage): number {
  if (message.kind === 'append') return entriesBytes(message.entries);
  if (message.kind === 'propose') return payloadsBytes(message.entries);
  return message.kind === 'snapshot' ? message.snapshot.data.byteLength : 0;
}
