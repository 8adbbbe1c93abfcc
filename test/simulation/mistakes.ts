import { type Mistake, mistake } from '../mistakes/mistake';

const core = (file: string) => `raft/core/${file}.ts`;
const shell = (file: string) => `../test/simulation/${file}.ts`;

/** Mistakes in the host of the core: what it owes its disk and its callers. */
const hostMistakes: readonly Mistake[] = [
  mistake(
    'a vote is not synced',
    shell('host'),
    'if (!ready.mustSync && ready.snapshot === undefined) {',
    'if (ready.entries.length === 0 && ready.snapshot === undefined) {',
  ),
  mistake(
    'entries are acknowledged before the sync',
    shell('host'),
    'this.#write(ready);',
    'this.#write(ready); for (const message of ready.messagesAfterSync) this.#sendPromise(message);',
  ),
  {
    name: 'the hard state is written before the entries',
    edits: [
      {
        file: shell('host'),
        from: "if (entries.length > 0) this.#log.write({ kind: 'entries', entries });",
        to: "if (hardState !== undefined) this.#log.write({ kind: 'hard-state', hardState });",
      },
      {
        file: shell('host'),
        from: "if (hardState !== undefined) this.#log.write({ kind: 'hard-state', hardState });\n  }",
        to: "if (entries.length > 0) this.#log.write({ kind: 'entries', entries });\n  }",
      },
    ],
  },
  mistake(
    'a snapshot is not put into the state machine after a crash',
    shell('host'),
    'if (snapshot !== undefined && snapshot.index > this.machine.applied) this.#state.install(snapshot);',
    '',
  ),
  mistake(
    'a snapshot carries the members of the one before',
    shell('host'),
    'const { configuration } = membership;',
    'const { configuration } = this.#log.snapshot() ?? membership;',
  ),
  {
    name: 'a snapshot carries the members of the one before, and nobody compares them',
    edits: [
      {
        file: shell('host'),
        from: 'const { configuration } = membership;',
        to: 'const { configuration } = this.#log.snapshot() ?? membership;',
      },
      { file: core('replication'), from: 'node.memberships.check(snapshot);', to: '{}' },
    ],
  },
  mistake(
    'nobody reports what became of a snapshot',
    shell('simulation'),
    'sender?.call((node) => node.reportSnapshot(message.to, isDelivered));',
    '',
  ),
  mistake(
    'a read is served before its index is applied',
    shell('host'),
    'if (index === undefined || index > this.machine.applied) continue;',
    'if (index === undefined) continue;',
  ),
  mistake(
    'each start numbers its questions anew',
    shell('host'),
    'this.#readNumber = this.#starts * 1_000_000;',
    'this.#readNumber = 0;',
  ),
  mistake('a read trusts a lease, whatever the clocks do', shell('host'), "reads: 'quorum'", "reads: 'lease'"),
  mistake('a gap in a session is accepted', shell('machine'), "if (command.number > last + 1) return 'gap';", ''),
  mistake(
    'a command is applied as often as it comes',
    shell('machine'),
    "if (command.number <= last) return 'duplicate';",
    '',
  ),
];

/** Mistakes in elections. */
const electionMistakes: readonly Mistake[] = [
  mistake(
    'a pre-vote counts as a vote',
    core('candidate'),
    'if (message.kind === awaited) countVote',
    'if (awaited !== undefined) countVote',
  ),
  mistake(
    'a node votes as often as it is asked',
    core('step'),
    '(node.vote === noNode && node.leader === noNode)',
    'node.leader === noNode',
  ),
  mistake(
    'a vote goes to a log that lacks entries',
    core('step'),
    'const isRejected = !isFree || !node.log.isUpToDate({ index: message.lastIndex, term: message.lastTerm });',
    'const isRejected = !isFree;',
  ),
  mistake(
    'an election needs no majority of the outgoing voters',
    core('quorum'),
    'majorityVote(configuration.outgoing, voteOf)]',
    "'won']",
  ),
  mistake(
    'a node with a change that it has not applied starts an election',
    core('election'),
    ' || hasUnappliedChange(node)',
    '',
  ),
];

/** Mistakes in what is committed. */
const replicationMistakes: readonly Mistake[] = [
  mistake(
    'an entry of an old term is committed by counting',
    core('log-view'),
    'if (place.index <= this.#committed || !this.matches(place)) return false;',
    'if (place.index <= this.#committed) return false;',
  ),
  mistake(
    'a commit needs no majority of the outgoing voters',
    core('quorum'),
    'return isJoint(configuration) ? Math.min(incoming, majorityIndex(configuration.outgoing, acknowledged)) : incoming;',
    'return incoming;',
  ),
  mistake(
    'a leader counts its own entries before they are durable',
    core('replication'),
    'const index = node.log.lastIndex;',
    'const index = node.log.lastIndex; node.peers.progressOf(id)?.matched(index);',
  ),
  mistake(
    'an old append cuts the log',
    core('log-view'),
    'const conflict = entries.findIndex((entry) => this.term(entry.index) !== entry.term);',
    'const conflict = entries.length > 0 ? 0 : -1;',
  ),
  mistake(
    'a heartbeat names a commit index that the member may not hold',
    core('replication'),
    'const commit = Math.min(progress.match, node.log.committed);',
    'const commit = node.log.committed;',
  ),
  mistake(
    'the members of a snapshot are ignored',
    core('membership'),
    'node.peers.configure(configuration, index);',
    '',
  ),
  mistake(
    'a change of the members begins before the one before is applied',
    core('proposal'),
    "if (node.pendingChangeIndex > node.log.applied) return 'CHANGE_PENDING';",
    '',
  ),
];

/** Mistakes after which a cluster hangs. */
const flowMistakes: readonly Mistake[] = [
  mistake(
    'the window of inflight messages is never freed',
    core('leader'),
    'progress.inflights.freeUpTo(index);',
    'progress.inflights.freeUpTo(0);',
  ),
  mistake('the window of inflight messages is never reset', core('progress'), 'this.inflights.reset();', ''),
  mistake(
    'a transfer that does not come off is never given up',
    core('leader'),
    "if (node.role === 'leader') node.abortTransfer();",
    '',
  ),
];

/** Mistakes in reads. */
const readMistakes: readonly Mistake[] = [
  mistake(
    'a new leader answers reads before it has committed anything',
    core('leader-reads'),
    'if (log.termOrZero(log.committed) !== node.term) {',
    'if (log.committed < 0) {',
  ),
  mistake(
    'a leader answers reads without asking whether it still leads',
    core('leader-reads'),
    'else if (reads.add(confirmed)) broadcastHeartbeat(node);',
    'else answerRead(node, confirmed);',
  ),
  mistake(
    'the answer to an earlier round confirms a read',
    core('read-rounds'),
    'waiting.round > confirmed)',
    'waiting.round > confirmed + 1)',
  ),
];

/** Mistakes in read leases and in what waits for them. */
const leaseMistakes: readonly Mistake[] = [
  mistake(
    'a revocation is not awaited',
    shell('host'),
    "if (outcome.command.kind !== 'forget') oracle.acknowledge(outcome);",
    'oracle.acknowledge(outcome); oracle.revoked(entry.index); this.#ports.revoked(); if (1 > 0) return;',
  ),
  mistake(
    'the end of a lease is awaited without the drift of clocks',
    core('lease-ledger'),
    'return this.#ms * (1 + drift);',
    'return this.#ms;',
  ),
  mistake(
    'a lease survives the term of its leader: the next one does not wait for it',
    core('read-leases'),
    'if (given.mayBeInherited(now) && !haveFoundersApplied(node, index)) return false;',
    '',
  ),
  mistake(
    'a new leader waits for the members that it knows, and for no other one',
    core('read-leases'),
    'if (memberships.latest.index > 1 || log.applied < pendingChangeIndex) return false;',
    '',
  ),
  mistake(
    'a lease is given before a majority has confirmed its leader',
    core('lease-ledger'),
    'const at = member.stamps.findLastIndex(({ round }) => round < confirmed);',
    'const at = member.stamps.findLastIndex(({ round }) => round < confirmed + 9);',
  ),
  mistake(
    'a member that reports without having been asked answers rounds that its leader has not begun',
    core('read-leases'),
    'report(node, node.leader, { readRound: 0, leaseRound: 0 });',
    'report(node, node.leader, { readRound: 0, leaseRound: 1_000_000 });',
  ),
  mistake(
    'a leader takes a lease from the moment of an answer',
    core('read-leases'),
    'if (from !== undefined) leases.held.extend(from);',
    'if (from !== undefined) leases.held.extend(leases.now());',
  ),
  mistake(
    'a lease runs from the arrival of its grant',
    core('held-lease'),
    'this.extend(grant.stamp);',
    'this.extend(this.#settings.now());',
  ),
  mistake(
    'a lease of an earlier start is taken',
    core('held-lease'),
    'if (grant !== undefined && grant.start === this.#settings.start)',
    'if (grant !== undefined)',
  ),
  mistake(
    'a member that lacks what a barrier is about gets a new lease',
    core('barriers'),
    'node.leases?.given.raiseFloor(barrier.index);',
    '',
  ),
  mistake(
    'a new leader gives leases to members that lack what earlier leaders committed',
    core('lease-ledger'),
    'this.#floor = lastIndex;',
    'this.#floor = 0;',
  ),
  mistake(
    'a member gets a lease however far it lags behind',
    core('lease-ledger'),
    'Math.max(this.#floor, recent.committed)',
    'this.#floor',
  ),
  mistake(
    'the leader forgets that it may read itself',
    core('read-leases'),
    'return !isOwnStateOld && !given.mayReadBefore(index, now);',
    'return !given.mayReadBefore(index, now);',
  ),
];

/** Mistakes with a damaged disk. */
const damageMistakes: readonly Mistake[] = [
  mistake(
    'what is read from the disk is not compared with its checksum',
    shell('log-disk'),
    'if (sumOf(value) !== sum)',
    'if (sum < 0)',
  ),
  mistake(
    'a node with a damaged disk comes back under its id, with an empty one',
    shell('simulation'),
    'const fresh = this.#addHost(Math.max(...this.#hosts.keys()) + 1);',
    'const fresh = this.#addHost(lost.id);',
  ),
];

/** Every mistake that the simulator must find, one at a time. */
export const simulationMistakes: readonly Mistake[] = [
  ...hostMistakes,
  ...electionMistakes,
  ...replicationMistakes,
  ...flowMistakes,
  ...readMistakes,
  ...leaseMistakes,
  ...damageMistakes,
];
