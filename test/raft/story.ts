import type { ConfigurationChange } from '../../src/raft/core/configuration-change';
import type { Entry } from '../../src/raft/core/entry';
import type { HardState, LeaseOffer, PeerMessage } from '../../src/raft/core/messages';
import type { Ready } from '../../src/raft/core/ready';
import { Cluster, type ClusterEvent, withLeases } from './cluster';
import { changesOf, configurationText } from './replay/print';

/**
 * Plays a story: a text in which each line that begins with `> ` is an action, followed by what it leads to, up to an empty line. All
 * other lines are told by the author. Answers the same text with what happens now.
 *
 * Actions: `start 1 2 3` (add `with leases` to give read leases), `join 4`, `campaign 1`, `wait 1 30` (ticks), `propose 1 text`, `change 1 v4 r1` (add `explicitly` to leave
 * the joint configuration by hand), `leave 1`, `transfer 1 to 2`, `read 1`, `barrier 1 at 5`, `pass 500` (milliseconds, without a tick), `leases`, `cut 1 2`, `heal`, `restart 1`, `snapshot 1`, `settle`,
 * `members`, `logs`. With `quietly` before an action, only changes of the roles are told.
 */
export function retold(story: string): string {
  const lines: string[] = [];
  const teller = new Teller();
  let isOutput = false;
  for (const line of story.split('\n')) {
    if (line === '') isOutput = false;
    if (isOutput) continue;
    lines.push(line);
    if (!line.startsWith('> ')) continue;
    lines.push(...teller.act(line.slice(2)));
    isOutput = true;
  }
  return lines.join('\n');
}

class Teller {
  #cluster = new Cluster([]);
  #told: string[] = [];
  #reads = 0;
  // What each node has promised by its term and its vote, to tell it once.
  readonly #promises = new Map<number, string>();

  act(action: string): readonly string[] {
    const isQuiet = action.startsWith('quietly ');
    const [name = '', ...words] = action.replace(/^quietly /, '').split(' ');
    this.#told = [];
    this.#perform(name, words);
    const told = isQuiet ? quietly(this.#told) : this.#told;
    return told.length === 0 ? ['Nothing happens.'] : told;
  }

  // Long: one line for each action, which read best next to each other.
  #perform(name: string, words: readonly string[]): void {
    const [first = '', second = ''] = words;
    const id = Number(first);
    switch (name) {
      case 'start':
        this.#cluster = new Cluster(words.map(Number).filter(Boolean), words.includes('leases') ? withLeases : {});
        this.#cluster.observe = (event) => this.#tell(event);
        this.#told.push(...this.#cluster.members.map((member) => `${member.id} starts as a follower.`));
        return;
      case 'join':
        this.#cluster.add(id);
        this.#told.push(`${id} starts and knows nobody.`);
        return;
      case 'campaign':
        if (!this.#cluster.node(id).campaign()) this.#told.push(`${id} may not start an election.`);
        break;
      case 'wait':
        this.#wait(id, Number(second));
        return;
      case 'propose':
        this.#propose(id, words.slice(1).join(' '));
        break;
      case 'change':
        this.#change(id, words.slice(1));
        break;
      case 'leave':
        this.#proposeChange(id, { transition: 'auto', changes: [] });
        break;
      case 'transfer':
        this.#cluster.node(id).transferLeadership(Number(words[2]));
        break;
      case 'read':
        this.#reads += 1;
        this.#cluster.node(id).requestReadIndex(this.#reads);
        break;
      case 'barrier':
        this.#reads += 1;
        this.#cluster.node(id).requestBarrier(this.#reads, Number(words[2]));
        break;
      case 'pass':
        this.#cluster.nowMs += id;
        this.#told.push(`${id} ms pass.`);
        return;
      case 'leases': {
        const holders = this.#cluster.members.filter(({ node }) => node.hasReadLease).map((member) => `${member.id}`);
        this.#told.push(holders.length === 0 ? 'Nobody holds a lease.' : `Leases: ${listed(holders)}.`);
        return;
      }
      case 'cut':
        this.#cluster.isolate(...words.map(Number));
        this.#told.push(`${listed(words)} and the others no longer hear each other.`);
        return;
      case 'heal':
        this.#cluster.heal();
        this.#told.push('Everybody hears everybody again.');
        return;
      case 'restart':
        this.#cluster.restart(id);
        this.#told.push(`${id} starts again from its disk.`);
        return;
      case 'snapshot':
        this.#cluster.snapshot(id);
        this.#told.push(
          `${id} keeps a snapshot at ${this.#cluster.member(id).appliedIndex} and drops its log up to there.`,
        );
        return;
      case 'members':
        this.#told.push(...this.#cluster.members.map(({ node }) => stateOf(node.status())));
        return;
      case 'logs':
        this.#told.push(...this.#cluster.members.map(({ id, storage }) => logOf(id, storage)));
        return;
      case 'settle':
        break;
      default:
        throw new Error(`Unknown action: ${name}`);
    }
    this.#cluster.settle();
  }

  #wait(id: number, ticks: number): void {
    for (let tick = 0; tick < ticks; tick += 1) {
      this.#cluster.nowMs += 50;
      this.#cluster.tick(id);
      this.#cluster.settle();
    }
  }

  #propose(id: number, text: string): void {
    const outcome = this.#cluster.node(id).propose([new TextEncoder().encode(text)]);
    if (!outcome.isAccepted) this.#told.push(`${id} refuses: ${outcome.refusal}.`);
  }

  #change(id: number, words: readonly string[]): void {
    const isExplicit = words.includes('explicitly');
    const changes = changesOf(words.filter((word) => word !== 'explicitly').join(' '));
    this.#proposeChange(id, { transition: isExplicit ? 'joint-explicit' : 'auto', changes });
  }

  #proposeChange(id: number, change: ConfigurationChange): void {
    const outcome = this.#cluster.node(id).proposeConfigurationChange(change);
    if (!outcome.isAccepted) this.#told.push(`${id} refuses: ${outcome.refusal}.`);
  }

  #tell(event: ClusterEvent): void {
    if (event.kind === 'ready') {
      const { hardState } = event.ready;
      this.#told.push(...readySentences(event.id, event.ready, this.#promises.get(event.id)));
      if (hardState !== undefined) this.#promises.set(event.id, promiseOf(hardState));
    }
    if (event.kind !== 'ready')
      this.#told.push(`  ${messageSentence(event.message)}${event.kind === 'lost' ? ' (lost)' : ''}`);
  }
}

function quietly(told: readonly string[]): readonly string[] {
  const messages = told.filter((line) => line.startsWith('  ')).length;
  const roles = told.filter((line) => / (leads|follows \w+|is a candidate)\.$/.test(line));
  return messages === 0 ? told : [...roles, `(${messages} messages)`];
}

function promiseOf({ term, vote }: HardState): string {
  return `term ${term}${vote === 0 ? '' : ` and its vote for ${vote}`}`;
}

function readySentences(id: number, ready: Ready, promised: string | undefined): readonly string[] {
  const { softState, hardState, snapshot, entries, committed, readStates, barriers } = ready;
  const role = softState && {
    leader: 'leads',
    candidate: 'is a candidate',
    'pre-candidate': 'asks whether it could win',
  };
  return [
    ...(softState === undefined || softState.role === 'follower' ? [] : [`${id} ${role![softState.role]}.`]),
    ...(softState?.role === 'follower'
      ? [`${id} follows ${softState.leader === 0 ? 'nobody' : softState.leader}.`]
      : []),
    ...(hardState === undefined || promiseOf(hardState) === promised ? [] : [`${id} stores ${promiseOf(hardState)}.`]),
    ...(snapshot === undefined ? [] : [`${id} installs the snapshot at ${snapshot.index}.`]),
    ...(entries.length === 0 ? [] : [`${id} stores ${entryList(entries)}.`]),
    ...(committed.length === 0 ? [] : [`${id} applies ${entryList(committed)}.`]),
    ...readStates.map(({ index }) => `${id} may read at ${index}.`),
    ...barriers.map(({ index }) => `${id} knows that nobody reads from before ${index} any more.`),
  ];
}

function messageSentence(message: PeerMessage): string {
  const ends = `${message.from} to ${message.to}:`;
  switch (message.kind) {
    case 'pre-vote-request':
      return `${ends} would you vote for me in term ${message.term}? My log ends at ${place(message.lastIndex, message.lastTerm)}.`;
    case 'vote-request':
      return `${ends} vote for me in term ${message.term}. My log ends at ${place(message.lastIndex, message.lastTerm)}.`;
    case 'pre-vote-response':
    case 'vote-response':
      return `${ends} ${message.isRejected ? `no. My term is ${message.term}.` : 'yes.'}`;
    case 'append': {
      const after = place(message.previousIndex, message.previousTerm);
      const what = message.entries.length === 0 ? 'do you have' : `add ${entryList(message.entries)} after`;
      return `${ends} ${what} ${after}${message.entries.length === 0 ? '?' : '.'} Committed is ${message.commit}.`;
    }
    case 'append-response':
      return message.isRejected
        ? `${ends} no, I lack ${message.index}. We may agree at ${place(message.hintIndex, message.hintTerm)}.`
        : `${ends} I have everything up to ${message.index}.`;
    case 'heartbeat':
      return `${ends} I lead term ${message.term}. Committed is ${message.commit}.${message.readRound === 0 ? '' : ' Do I still?'}${offerSentence(message.lease)}`;
    case 'heartbeat-response':
      return `${ends} I hear you.${message.lease === undefined ? '' : ` At ${message.lease.stamp} ms I have applied ${message.lease.applied}.`}`;
    case 'barrier':
      return `${ends} when does nobody read from before ${message.index} any more?`;
    case 'barrier-response':
      return `${ends} nobody reads from before ${message.index} any more.`;
    case 'snapshot':
      return `${ends} here is my snapshot at ${place(message.snapshot.index, message.snapshot.term)}.`;
    case 'timeout-now':
      return `${ends} start an election now.`;
    case 'propose':
      return `${ends} please add ${message.entries.map(contentOf).join(', ')}.`;
    case 'transfer-request':
      return `${ends} please hand over to ${message.target}.`;
    case 'read-index':
      return `${ends} where may I read?`;
    case 'read-index-response':
      return `${ends} you may read at ${message.index}.`;
  }
}

function offerSentence(lease: LeaseOffer | undefined): string {
  if (lease === undefined) return '';
  const { round, awaited, grant } = lease;
  const given = grant === undefined ? '' : ` You have a lease from ${grant.stamp} ms on.`;
  return ` Round ${round}. Tell me when you have applied ${awaited}.${given}`;
}

function place(index: number, term: number): string {
  return `${index} (term ${term})`;
}

function entryList(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.index} ${contentOf(entry)}`).join(', ');
}

function contentOf(entry: Pick<Entry, 'kind'> & Partial<Entry>): string {
  if (entry.kind === 'normal') {
    const { data } = entry as Extract<Entry, { kind: 'normal' }>;
    return data.length === 0 ? '(a leader begins)' : `"${new TextDecoder().decode(data)}"`;
  }
  const { changes } = (entry as Extract<Entry, { kind: 'configuration' }>).change;
  if (changes.length === 0) return '(leave the joint configuration)';
  const verbs = { 'add-voter': 'add voter', 'add-learner': 'add learner', remove: 'remove', update: 'update' };
  return `(${changes.map(({ kind, node }) => `${verbs[kind]} ${node}`).join(', ')})`;
}

function stateOf(status: ReturnType<Cluster['node']> extends { status(): infer S } ? S : never): string {
  const { id, role, leader, hardState, applied, membership } = status;
  const what =
    role === 'leader'
      ? 'leads'
      : role === 'follower'
        ? `follows ${leader === 0 ? 'nobody' : leader} in`
        : `is a ${role} of`;
  return `${id} ${what} term ${hardState.term}, has committed ${hardState.commit} and applied ${applied}, ${configurationText(membership.configuration)}`;
}

function logOf(id: number, storage: ReturnType<Cluster['member']>['storage']): string {
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  if (first > last) return `${id} has no entries after ${last}`;
  const entries = storage.entries(first, last + 1, Number.POSITIVE_INFINITY) ?? [];
  return `${id} has ${entries.map((entry) => `${entry.term}/${entry.index} ${contentOf(entry)}`).join(', ')}`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
