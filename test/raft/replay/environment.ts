import { configurationOf, noMembers } from '../../../src/raft/core/configuration';
import type { ConfigurationChange } from '../../../src/raft/core/configuration-change';
import { type Entry, noBytes } from '../../../src/raft/core/entry';
import type { HardState, Message, Snapshot } from '../../../src/raft/core/messages';
import type { RaftOptions } from '../../../src/raft/core/options';
import { RaftNode } from '../../../src/raft/core/raft-node';
import type { StorageAppend, StorageApply } from '../../../src/raft/core/ready';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { Directive } from './directives';
import {
  appendLines,
  applyLines,
  changesOf,
  entryText,
  messageLines,
  oldFormat,
  progressText,
  readyLines,
  roleText,
} from './print';

interface Member {
  readonly id: number;
  readonly node: RaftNode;
  readonly storage: MemoryStorage;
  readonly isAsynchronous: boolean;
  readonly appends: StorageAppend[];
  readonly applies: StorageApply[];
}

// The clock of the transcripts: three ticks without a leader start an election.
const electionTicks = 3;
const heartbeatTicks = 1;
const transitions = { auto: 'auto', implicit: 'joint-implicit', explicit: 'joint-explicit' } as const;

/** The cluster that the directives of a transcript act on. Nothing happens in it unless a directive says so. */
export class ReplayEnvironment {
  readonly #members: Member[] = [];
  #inTransit: Message[] = [];
  #isQuiet = false;

  /** Runs a directive. The lines are what it prints, without the core's log, which has no counterpart here. */
  run(directive: Directive): readonly string[] {
    const level = directive.options.get('log-level')?.[0];
    const wasQuiet = this.#isQuiet;
    if (level !== undefined) this.#isQuiet = level === 'none';
    const handler = this.#handlers[directive.command];
    if (handler === undefined) throw new Error(`Line ${directive.line}: unknown directive ${directive.command}.`);
    const lines = handler(directive);
    const printed = this.#isQuiet && !alwaysPrinted.has(directive.command) ? [] : lines;
    if (level !== undefined) this.#isQuiet = wasQuiet;
    return printed.length === 0 ? ['ok'] : printed;
  }

  readonly #handlers: Record<string, (directive: Directive) => readonly string[]> = {
    'log-level': ({ words }) => {
      this.#isQuiet = words[0] === 'none';
      return [];
    },
    'add-nodes': (directive) => this.#addNodes(directive),
    campaign: ({ words }) => {
      this.#member(words[0]).node.campaign();
      return [];
    },
    'forget-leader': ({ words }) => {
      this.#member(words[0]).node.forgetLeader();
      return [];
    },
    propose: ({ words: [id, text = ''] }) => {
      const outcome = this.#member(id).node.propose([new TextEncoder().encode(text)]);
      return outcome.isAccepted ? [] : [proposalRefused];
    },
    'propose-conf-change': (directive) => this.#proposeChange(directive),
    'transfer-leadership': ({ options }) => {
      this.#member(options.get('from')?.[0]).node.transferLeadership(Number(options.get('to')?.[0]));
      return [];
    },
    'tick-heartbeat': ({ words }) => this.#tick(words[0], heartbeatTicks),
    'tick-election': ({ words }) => this.#tick(words[0], electionTicks),
    'set-randomized-election-timeout': ({ words, options }) => {
      this.#member(words[0]).node.setElectionTimeout(Number(options.get('timeout')?.[0]));
      return [];
    },
    'report-unreachable': ({ words }) => {
      this.#member(words[0]).node.reportUnreachable(Number(words[1]));
      return [];
    },
    'send-snapshot': ({ words }) => this.#sendSnapshot(this.#member(words[0]), Number(words[1])),
    compact: ({ words }) => {
      const member = this.#member(words[0]);
      member.storage.purge(Number(words[1]));
      return logLines(member);
    },
    'raft-log': ({ words }) => logLines(this.#member(words[0])),
    'raft-state': () => this.#members.map(stateLine),
    status: ({ words }) =>
      this.#member(words[0])
        .node.status()
        .members.map((member) => `${member.id}: ${progressText(member)}`),
    'deliver-msgs': (directive) => this.#deliverDirective(directive),
    'process-ready': ({ words }) => this.#each(words, 'handling Ready', (member) => this.#processReady(member)),
    'process-append-thread': ({ words }) =>
      this.#each(words, 'processing append thread', (member) => this.#processAppend(member)),
    'process-apply-thread': ({ words }) =>
      this.#each(words, 'processing apply thread', (member) => this.#processApply(member)),
    stabilize: ({ words }) => this.#stabilize(words.length === 0 ? this.#members : words.map((id) => this.#member(id))),
  };

  #member(id: string | undefined): Member {
    const member = this.#members[Number(id) - 1];
    if (member === undefined) throw new Error(`There is no node ${id}.`);
    return member;
  }

  // One node prints as it is; several print a title for each.
  #each(words: readonly string[], title: string, run: (member: Member) => readonly string[]): readonly string[] {
    const members = words.map((id) => this.#member(id));
    if (members.length === 1) return run(members[0]!);
    return members.flatMap((member) => titled(member, title, run(member)));
  }

  #addNodes({ words, options }: Directive): readonly string[] {
    const numbers = (key: string) => (options.get(key) ?? []).map(Number);
    const index = numbers('index')[0] ?? 0;
    for (let count = 0; count < Number(words[0]); count += 1) {
      const configuration = index === 0 ? noMembers : configurationOf(numbers('voters'), numbers('learners'));
      const storage = new MemoryStorage({ index, term: index === 0 ? 0 : 1, configuration, data: noBytes });
      const id = this.#members.length + 1;
      const settings = optionsOf(options);
      const node = new RaftNode({ id, storage, seed: id, ...settings });
      const isAsynchronous = settings.asynchronousStorage === true;
      this.#members.push({ id, node, storage, isAsynchronous, appends: [], applies: [] });
    }
    return [];
  }

  #proposeChange({ words, options, input }: Directive): readonly string[] {
    const transition = transitions[(options.get('transition')?.[0] ?? 'auto') as keyof typeof transitions];
    const isOld = options.get('v1')?.[0] === 'true';
    const changes = changesOf(input.join(' '));
    const change: ConfigurationChange = { transition, changes, ...(isOld ? { context: oldFormat } : {}) };
    const outcome = this.#member(words[0]).node.proposeConfigurationChange(change);
    const isDropped = !outcome.isAccepted && droppedFor.has(outcome.refusal);
    return isDropped ? [proposalRefused] : [];
  }

  #tick(id: string | undefined, ticks: number): readonly string[] {
    for (let count = 0; count < ticks; count += 1) this.#member(id).node.tick();
    return [];
  }

  #sendSnapshot(member: Member, to: number): readonly string[] {
    const { term } = member.node.status().hardState;
    const message: Message = { kind: 'snapshot', from: member.id, to, term, snapshot: member.storage.snapshot()! };
    this.#inTransit.push(message);
    return messageLines(message);
  }

  #deliverDirective({ words, options }: Directive): readonly string[] {
    const kinds = options.get('type');
    if (kinds !== undefined && kinds[0] !== 'MsgApp') throw new Error(`Unknown type of message ${kinds[0]}.`);
    const isWanted = (message: Message) => kinds === undefined || message.kind === 'append';
    return [
      ...words.flatMap((id) => this.#deliver(this.#member(id), isWanted)),
      ...(options.get('drop') ?? []).flatMap((id) =>
        // What a node tells itself crosses no network and is never lost.
        this.#take(Number(id), (message) => isWanted(message) && message.from !== message.to).flatMap((message) => {
          const [first, ...rest] = messageLines(message);
          return [`dropped: ${first}`, ...rest];
        }),
      ),
    ];
  }

  #deliver(member: Member, isWanted: (message: Message) => boolean = () => true): readonly string[] {
    return this.#take(member.id, isWanted).flatMap((message) => {
      const result = member.node.step(message);
      return [...messageLines(message), ...(stepErrors[result] ?? [])];
    });
  }

  #take(to: number, isWanted: (message: Message) => boolean): readonly Message[] {
    const isTaken = (message: Message) => message.to === to && isWanted(message);
    const taken = this.#inTransit.filter(isTaken);
    this.#inTransit = this.#inTransit.filter((message) => !isTaken(message));
    return taken;
  }

  #processReady(member: Member): readonly string[] {
    const ready = member.node.ready();
    const lines = readyLines(ready, member.id);
    this.#inTransit.push(...ready.messages, ...ready.messagesAfterSync);
    if (ready.append !== undefined) member.appends.push(ready.append);
    if (ready.apply !== undefined) member.applies.push(ready.apply);
    if (member.isAsynchronous) return lines;
    store(member, ready);
    apply(member, ready.committed);
    member.node.advance();
    return lines;
  }

  #processAppend(member: Member): readonly string[] {
    const work = member.appends.shift();
    if (work === undefined) return ['no append work to perform'];
    store(member, work);
    this.#inTransit.push(...work.responses);
    return workLines(appendLines({ ...work, responses: [] }, member.id), work.responses);
  }

  #processApply(member: Member): readonly string[] {
    const work = member.applies.shift();
    if (work === undefined) return ['no apply work to perform'];
    apply(member, work.entries);
    this.#inTransit.push(...work.responses);
    return workLines(applyLines({ ...work, responses: [] }, member.id), work.responses);
  }

  /** Lets the nodes work and talk until nothing is left to do between them. */
  #stabilize(members: readonly Member[]): readonly string[] {
    const lines: string[] = [];
    const round = (title: string, hasWork: (member: Member) => boolean, run: (member: Member) => readonly string[]) => {
      const busy = members.filter((member) => {
        if (!hasWork(member)) return false;
        lines.push(...titled(member, title, run(member)));
        return true;
      });
      return busy.length > 0;
    };
    const whileBusy = (hasWork: (member: Member) => boolean, run: (member: Member) => readonly string[]) => {
      return (member: Member) => {
        const all: string[] = [];
        while (hasWork(member)) all.push(...run(member));
        return all;
      };
    };
    const hasMessages = ({ id }: Member) => this.#inTransit.some(({ to }) => to === id);
    const hasAppends = ({ appends }: Member) => appends.length > 0;
    const hasApplies = ({ applies }: Member) => applies.length > 0;
    for (let isBusy = true; isBusy; ) {
      isBusy = round(
        'handling Ready',
        ({ node }) => node.hasReady,
        (member) => this.#processReady(member),
      );
      isBusy = round('receiving messages', hasMessages, (member) => this.#deliver(member)) || isBusy;
      isBusy =
        round(
          'processing append thread',
          hasAppends,
          whileBusy(hasAppends, (member) => this.#processAppend(member)),
        ) || isBusy;
      isBusy =
        round(
          'processing apply thread',
          hasApplies,
          whileBusy(hasApplies, (member) => this.#processApply(member)),
        ) || isBusy;
    }
    return lines;
  }
}

const alwaysPrinted: ReadonlySet<string> = new Set();
const proposalRefused = 'raft proposal dropped';
const droppedFor: ReadonlySet<string> = new Set(['NO_LEADER', 'LEADER_MOVES', 'TOO_MUCH_UNCOMMITTED', 'NOT_A_MEMBER']);
const stepErrors: Record<string, readonly string[]> = {
  'unknown-peer': ['raft: cannot step as peer not found'],
  'proposal-refused': [proposalRefused],
  malformed: ['malformed message'],
};

function optionsOf(options: Directive['options']): Partial<RaftOptions> {
  const first = (key: string) => options.get(key)?.[0];
  const inflight = first('inflight');
  const applyingBytes = first('max-committed-size-per-ready');
  return {
    electionTicks,
    heartbeatTicks,
    // The transcripts switch on what they are about; the defaults of the core are for production.
    preVote: first('prevote') === 'true',
    checkQuorum: first('checkquorum') === 'true',
    stepDownOnRemoval: first('step-down-on-removal') === 'true',
    handOverBeforeLeaving: false,
    asynchronousStorage: first('async-storage-writes') === 'true',
    checkChanges: first('disable-conf-change-validation') !== 'true',
    reads: first('read-only') === 'lease-based' ? 'lease' : 'quorum',
    ...(inflight === undefined ? {} : { maxInflightMessages: Number(inflight) }),
    ...(applyingBytes === undefined ? {} : { maxApplyingBytes: Number(applyingBytes) }),
  };
}

interface Stored {
  readonly hardState?: HardState;
  readonly snapshot?: Snapshot;
  readonly entries: readonly Entry[];
}

function store({ storage }: Member, { hardState, snapshot, entries }: Stored): void {
  if (snapshot !== undefined) storage.install(snapshot);
  if (hardState !== undefined) storage.setHardState(hardState);
  storage.append(entries);
}

// A snapshot is there after each entry, so that a leader can always send one that is as new as can be.
function apply({ node, storage }: Member, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const configuration =
      entry.kind === 'configuration'
        ? node.applyConfigurationChange(entry)
        : (storage.snapshot()?.configuration ?? noMembers);
    storage.saveSnapshot({ index: entry.index, term: entry.term, configuration, data: noBytes });
  }
}

function titled({ id }: Member, title: string, lines: readonly string[]): readonly string[] {
  return [`> ${id} ${title}`, ...lines.map((line) => `  ${line}`)];
}

function workLines(work: readonly string[], responses: readonly Message[]): readonly string[] {
  return ['Processing:', ...work, 'Responses:', ...responses.flatMap(messageLines)];
}

function logLines({ storage }: Member): readonly string[] {
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  if (first > last) return [`log is empty: first index=${first}, last index=${last}`];
  return storage.entries(first, last + 1, Number.POSITIVE_INFINITY)!.map(entryText);
}

function stateLine({ id, node }: Member): string {
  const { role, leader, hardState, membership } = node.status();
  const { voters, outgoing } = membership.configuration;
  const voting = voters.includes(id) || outgoing.includes(id) ? 'Voter' : 'Non-Voter';
  return `${id}: ${roleText(role)} (${voting}) Term:${hardState.term} Lead:${leader}`;
}
