import fc from 'fast-check';
import type { Configuration } from '../../../src/raft/core/configuration';
import type { ConfigurationChange } from '../../../src/raft/core/configuration-change';
import type { Proposed } from '../../../src/raft/core/entry';
import type { PeerMessage } from '../../../src/raft/core/messages';

const counter = fc.oneof(fc.nat(300), fc.maxSafeNat());
const counters = fc.array(counter, { maxLength: 5 });
const bytes = fc.uint8Array({ maxLength: 300 });

const change: fc.Arbitrary<ConfigurationChange> = fc.record(
  {
    transition: fc.constantFrom('auto' as const, 'joint-implicit' as const, 'joint-explicit' as const),
    changes: fc.array(
      fc.record({
        kind: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const, 'update' as const),
        node: counter,
      }),
      { maxLength: 4 },
    ),
    context: bytes,
  },
  { requiredKeys: ['transition', 'changes'] },
);

const proposed: fc.Arbitrary<Proposed> = fc.oneof(
  fc.record({ kind: fc.constant('normal' as const), data: bytes }),
  fc.record({ kind: fc.constant('configuration' as const), change }),
);

const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: counters,
  outgoing: counters,
  learners: counters,
  learnersNext: counters,
  autoLeave: fc.boolean(),
});

const entries = fc.array(
  fc.tuple(proposed, counter, counter).map(([each, term, index]) => ({ ...each, term, index })),
  { maxLength: 6 },
);

const leaseOffer = fc.record(
  { round: counter, awaited: counter, grant: fc.record({ start: counter, stamp: counter }) },
  { requiredKeys: ['round', 'awaited'] },
);
const leaseReport = fc.record({ round: counter, start: counter, stamp: counter, applied: counter });

const bodies: { readonly [K in PeerMessage['kind']]: Readonly<Record<string, fc.Arbitrary<unknown>>> } = {
  'vote-request': { lastIndex: counter, lastTerm: counter, isTransfer: fc.boolean() },
  'pre-vote-request': { lastIndex: counter, lastTerm: counter, isTransfer: fc.boolean() },
  'vote-response': { isRejected: fc.boolean(), commitIndex: counter, commitTerm: counter },
  'pre-vote-response': { isRejected: fc.boolean(), commitIndex: counter, commitTerm: counter },
  append: { previousIndex: counter, previousTerm: counter, commit: counter, entries },
  'append-response': { index: counter, isRejected: fc.boolean(), hintIndex: counter, hintTerm: counter },
  heartbeat: { commit: counter, readRound: counter, lease: fc.option(leaseOffer, { nil: undefined }) },
  'heartbeat-response': { readRound: counter, lease: fc.option(leaseReport, { nil: undefined }) },
  snapshot: { snapshot: fc.record({ index: counter, term: counter, configuration, data: bytes }) },
  'timeout-now': {},
  propose: { entries: fc.array(proposed, { maxLength: 6 }) },
  'transfer-request': { target: counter },
  'read-index': { context: counter },
  'read-index-response': { index: counter, context: counter },
  barrier: { index: counter, context: counter },
  'barrier-response': { index: counter, context: counter },
};

/** Every kind of message, with fields of any size. */
export const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  ...Object.entries(bodies).map(([kind, body]) =>
    fc.record({ kind: fc.constant(kind), from: counter, to: counter, term: counter, ...body }),
  ),
) as fc.Arbitrary<unknown> as fc.Arbitrary<PeerMessage>;

/** The kinds that `anyMessage` makes. */
export const messageKinds = Object.keys(bodies);
