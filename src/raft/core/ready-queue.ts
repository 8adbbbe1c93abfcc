import type { Consensus } from './consensus';
import type { Entry } from './entry';
import { invariant } from './invariants';
import type { HardState, Message, PeerMessage, StorageAppended, StorageApplied } from './messages';
import type { Ready, SoftState, StorageAppend, StorageApply } from './ready';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

const noMessages: readonly PeerMessage[] = [];

/**
 * Collects what the host has to do, and remembers what it was given: each change is handed out once, and in synchronous mode the node's
 * own answers wait until the host says that it has done it.
 */
export class ReadyQueue {
  readonly #node: Consensus;
  readonly #isAsynchronous: boolean;
  #softState: SoftState;
  #hardState: HardState;
  #awaitsAdvance = false;
  #onAdvance: readonly Message[] = [];

  constructor(node: Consensus) {
    this.#node = node;
    this.#isAsynchronous = node.settings.asynchronousStorage;
    this.#softState = { leader: node.leader, role: node.role };
    // A commit index that was learnt at the start is stored with the next change: it need not be for its own sake.
    this.#hardState = node.hardState;
  }

  get hasReady(): boolean {
    const { log, messages, messagesAfterSync, readStates, barrierStates } = this.#node;
    return (
      messages.length > 0 ||
      messagesAfterSync.length > 0 ||
      readStates.length > 0 ||
      barrierStates.length > 0 ||
      log.unstable.hasNextEntries ||
      log.unstable.nextSnapshot !== undefined ||
      log.hasNextCommitted(!this.#isAsynchronous) ||
      this.#hasNewSoftState ||
      this.#hasNewHardState
    );
  }

  /** Hands out everything that is to be done now. */
  take(): Ready {
    invariant(!this.#awaitsAdvance, 'CALL_ORDER', () => 'ready() was called again before advance().');
    const ready = this.#collect();
    this.#handOut(ready);
    return ready;
  }

  /** The host has done what `take` handed out. The messages are the node's own answers to itself. */
  takeAnswers(): readonly Message[] {
    invariant(this.#awaitsAdvance, 'CALL_ORDER', () => 'advance() was called without a ready() that it ends.');
    const answers = this.#onAdvance;
    this.#awaitsAdvance = false;
    this.#onAdvance = [];
    return answers;
  }

  get #hasNewSoftState(): boolean {
    const { leader, role } = this.#node;
    return leader !== this.#softState.leader || role !== this.#softState.role;
  }

  get #hasNewHardState(): boolean {
    const { term, vote, log } = this.#node;
    return term !== this.#hardState.term || vote !== this.#hardState.vote || log.committed !== this.#hardState.commit;
  }

  #collect(): Ready {
    const node = this.#node;
    const { log, messages, messagesAfterSync, readStates, barrierStates } = node;
    const entries = log.unstable.nextEntries();
    const ready: Writable<Ready> = {
      mustSync: entries.length > 0,
      entries,
      committed: log.nextCommitted(!this.#isAsynchronous),
      messages,
      messagesAfterSync: noMessages,
      readStates,
      barriers: barrierStates,
    };
    if (this.#hasNewSoftState) ready.softState = { leader: node.leader, role: node.role };
    if (this.#hasNewHardState) {
      const { hardState } = node;
      checkMonotonic(this.#hardState, hardState);
      if (hardState.term !== this.#hardState.term || hardState.vote !== this.#hardState.vote) ready.mustSync = true;
      ready.hardState = hardState;
    }
    const { nextSnapshot } = log.unstable;
    if (nextSnapshot !== undefined) ready.snapshot = nextSnapshot;
    if (!this.#isAsynchronous) {
      ready.messagesAfterSync = messagesAfterSync.filter(({ to }) => to !== node.id);
      return ready;
    }
    const append = this.#storageAppend(ready, messagesAfterSync);
    const apply = this.#storageApply(ready.committed);
    if (append !== undefined) ready.append = append;
    if (apply !== undefined) ready.apply = apply;
    return ready;
  }

  #handOut(ready: Ready): void {
    const node = this.#node;
    if (ready.softState !== undefined) this.#softState = ready.softState;
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    if (!this.#isAsynchronous) {
      this.#awaitsAdvance = true;
      this.#onAdvance = this.#ownAnswers(ready);
    }
    node.messages = [];
    node.messagesAfterSync = [];
    node.readStates = [];
    node.barrierStates = [];
    node.reads.close();
    node.barriers.close();
    node.log.unstable.handOut();
    node.log.handOut(ready.committed, !this.#isAsynchronous);
  }

  #ownAnswers({ snapshot, committed }: Ready): readonly Message[] {
    const answers: Message[] = this.#node.messagesAfterSync.filter(({ to }) => to === this.#node.id);
    const appended = this.#appended(snapshot?.index ?? 0);
    if (appended !== undefined) answers.push(appended);
    if (committed.length > 0) answers.push(this.#applied(committed));
    return answers;
  }

  #storageAppend({ hardState, snapshot, entries }: Ready, promises: readonly PeerMessage[]): StorageAppend | undefined {
    if (hardState === undefined && snapshot === undefined && entries.length + promises.length === 0) return undefined;
    const appended = this.#appended(snapshot?.index ?? 0);
    const work: Writable<StorageAppend> = {
      entries,
      responses: appended === undefined ? promises : [...promises, appended],
    };
    if (hardState !== undefined) work.hardState = hardState;
    if (snapshot !== undefined) work.snapshot = snapshot;
    return work;
  }

  #storageApply(committed: readonly Entry[]): StorageApply | undefined {
    return committed.length === 0 ? undefined : { entries: committed, responses: [this.#applied(committed)] };
  }

  // Names the end of the log also when no entry is new: an answer of an earlier term was ignored if the term has changed since, and
  // this one tells again, in the present term, what is stored by then.
  #appended(snapshotIndex: number): StorageAppended | undefined {
    const { id, term, log } = this.#node;
    if (!log.unstable.hasEntries && snapshotIndex === 0) return undefined;
    const last = log.unstable.hasEntries ? log.lastPlace : { index: 0, term: 0 };
    return { kind: 'storage-appended', from: id, to: id, term, index: last.index, indexTerm: last.term, snapshotIndex };
  }

  #applied(entries: readonly Entry[]): StorageApplied {
    const { id } = this.#node;
    return { kind: 'storage-applied', from: id, to: id, term: 0, entries };
  }
}

function checkMonotonic(before: HardState, after: HardState): void {
  const isSameTerm = after.term === before.term;
  const isVoteKept = !isSameTerm || before.vote === 0 || after.vote === before.vote;
  invariant(
    after.term >= before.term && after.commit >= before.commit && isVoteKept,
    'HARD_STATE_MONOTONIC',
    () => `Term, vote and commit would go from ${Object.values(before)} to ${Object.values(after)}.`,
  );
}
