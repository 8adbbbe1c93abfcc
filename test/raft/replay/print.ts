import type { Configuration } from '../../../src/raft/core/configuration';
import type { ConfigurationChange, SingleChange } from '../../../src/raft/core/configuration-change';
import type { Entry, Proposed } from '../../../src/raft/core/entry';
import type { HardState, Message, Snapshot } from '../../../src/raft/core/messages';
import type { MemberStatus } from '../../../src/raft/core/raft-node';
import type { Ready, Role, StorageAppend, StorageApply } from '../../../src/raft/core/ready';

// Prints what the core says in the format of etcd's transcripts.

const kindOfLetter = { v: 'add-voter', l: 'add-learner', r: 'remove', u: 'update' } as const;
const letterOfKind = { 'add-voter': 'v', 'add-learner': 'l', remove: 'r', update: 'u' } as const;

/** Reads changes such as `v1 l2 r3`: a voter, a learner, and one to remove. */
export function changesOf(text: string): readonly SingleChange[] {
  return text
    .split(/\s+/)
    .filter((token) => token !== '')
    .map((token) => {
      const kind = kindOfLetter[token[0] as keyof typeof kindOfLetter];
      if (kind === undefined) throw new Error(`Unknown change ${token}.`);
      return { kind, node: Number(token.slice(1)) };
    });
}

/** What marks a change that the transcript proposes in etcd's older format. The core has one format only. */
export const oldFormat: Uint8Array = new TextEncoder().encode('v1');

export function configurationText(configuration: Configuration): string {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  const list = (ids: readonly number[]) => `(${ids.join(' ')})`;
  return [
    `voters=${list(voters)}${outgoing.length > 0 ? `&&${list(outgoing)}` : ''}`,
    ...(learners.length > 0 ? [`learners=${list(learners)}`] : []),
    ...(learnersNext.length > 0 ? [`learners_next=${list(learnersNext)}`] : []),
    ...(autoLeave ? ['autoleave'] : []),
  ].join(' ');
}

export function progressText(member: MemberStatus): string {
  const state = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' }[member.state];
  return [
    `${state} match=${member.match} next=${member.next}`,
    ...(member.isLearner ? ['learner'] : []),
    ...(member.isWaiting ? ['paused'] : []),
    ...(member.pendingSnapshot > 0 ? [`pendingSnap=${member.pendingSnapshot}`] : []),
    ...(member.isActive ? [] : ['inactive']),
    ...(member.inflightMessages > 0
      ? [`inflight=${member.inflightMessages}${member.isInflightFull ? '[full]' : ''}`]
      : []),
  ].join(' ');
}

export function roleText(role: Role): string {
  return {
    follower: 'StateFollower',
    'pre-candidate': 'StatePreCandidate',
    candidate: 'StateCandidate',
    leader: 'StateLeader',
  }[role];
}

export function readyLines(ready: Ready, id: number): readonly string[] {
  const { softState, hardState, entries, snapshot, committed, readStates } = ready;
  const messages = [
    ...[...ready.messages, ...ready.messagesAfterSync].flatMap(messageLines),
    ...(ready.append === undefined ? [] : appendLines(ready.append, id)),
    ...(ready.apply === undefined ? [] : applyLines(ready.apply, id)),
  ];
  const lines = [
    ...(softState === undefined ? [] : [`Lead:${softState.leader} State:${roleText(softState.role)}`]),
    ...(hardState === undefined ? [] : [`HardState ${hardStateText(hardState)}`]),
    ...(readStates.length > 0 ? [`ReadStates ${JSON.stringify(readStates)}`] : []),
    ...(entries.length > 0 ? ['Entries:', ...entries.map(entryText)] : []),
    ...(snapshot === undefined ? [] : [`Snapshot ${snapshotText(snapshot)}`]),
    ...(committed.length > 0 ? ['CommittedEntries:', ...committed.map(entryText)] : []),
    ...(messages.length > 0 ? ['Messages:', ...messages] : []),
  ];
  return lines.length === 0 ? ['<empty Ready>'] : [`Ready MustSync=${ready.mustSync}:`, ...lines];
}

export function entryText(entry: Entry): string {
  return `${entry.term}/${entry.index} ${proposedText(entry)}`;
}

function proposedText(entry: Proposed): string {
  if (entry.kind === 'normal') return `EntryNormal ${JSON.stringify(new TextDecoder().decode(entry.data))}`;
  const type = entry.change.context === oldFormat ? 'EntryConfChange' : 'EntryConfChangeV2';
  return [type, ...changeTexts(entry.change)].join(' ');
}

function changeTexts({ changes }: ConfigurationChange): readonly string[] {
  return changes.map(({ kind, node }) => `${letterOfKind[kind]}${node}`);
}

function hardStateText({ term, vote, commit }: HardState): string {
  return [`Term:${term}`, ...(vote === 0 ? [] : [`Vote:${vote}`]), `Commit:${commit}`].join(' ');
}

function snapshotText({ index, term, configuration }: Snapshot): string {
  const list = (ids: readonly number[]) => `[${ids.join(' ')}]`;
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  return (
    `Index:${index} Term:${term} ConfState:Voters:${list(voters)} VotersOutgoing:${list(outgoing)} ` +
    `Learners:${list(learners)} LearnersNext:${list(learnersNext)} AutoLeave:${autoLeave}`
  );
}

/** A message as lines: what belongs to it beside the first line is indented. */
export function messageLines(message: Message): readonly string[] {
  const { type, log = '0/0', commit = 0, hint } = fieldsOf(message);
  const [from, to] = endsOf(message);
  const head = [
    `${from}->${to} ${type} Term:${message.term} Log:${log}`,
    ...(hint === undefined ? [] : [`Rejected (Hint: ${hint})`]),
    ...(commit === 0 ? [] : [`Commit:${commit}`]),
  ].join(' ');
  if (message.kind === 'snapshot') return [head, `  Snapshot: ${snapshotText(message.snapshot)}`];
  if (message.kind === 'append' || message.kind === 'storage-applied')
    return listed(head, 'Entries', message.entries.map(entryText));
  return message.kind === 'propose'
    ? listed(
        head,
        'Entries',
        message.entries.map((entry) => `0/0 ${proposedText(entry)}`),
      )
    : [head];
}

export function appendLines(work: StorageAppend, id: number): readonly string[] {
  const { hardState, entries, responses, snapshot } = work;
  const head = [
    `${id}->AppendThread MsgStorageAppend Term:${hardState?.term ?? 0} Log:0/0`,
    ...(hardState === undefined || hardState.commit === 0 ? [] : [`Commit:${hardState.commit}`]),
    ...(hardState === undefined || hardState.vote === 0 ? [] : [`Vote:${hardState.vote}`]),
  ].join(' ');
  const [first, ...rest] = listed(head, 'Entries', entries.map(entryText));
  return withResponses(
    [first!, ...rest, ...(snapshot === undefined ? [] : [`  Snapshot: ${snapshotText(snapshot)}`])],
    responses,
  );
}

export function applyLines({ entries, responses }: StorageApply, id: number): readonly string[] {
  const head = `${id}->ApplyThread MsgStorageApply Term:0 Log:0/0`;
  return withResponses(listed(head, 'Entries', entries.map(entryText)), responses);
}

function withResponses(lines: readonly string[], responses: readonly Message[]): readonly string[] {
  if (responses.length === 0) return lines;
  const last = `${lines.at(-1)} Responses:[`;
  return [...lines.slice(0, -1), last, ...responses.flatMap(messageLines).map((line) => `  ${line}`), ']'];
}

// One item stands on the line itself, several stand below it.
function listed(head: string, name: string, items: readonly string[]): readonly string[] {
  if (items.length === 0) return [head];
  return items.length === 1
    ? [`${head} ${name}:[${items[0]}]`]
    : [`${head} ${name}:[`, ...items.map((item) => `  ${item}`), ']'];
}

function endsOf({ kind, from, to }: Message): readonly [string, string] {
  if (kind === 'storage-appended') return ['AppendThread', String(to)];
  return kind === 'storage-applied' ? ['ApplyThread', String(to)] : [String(from), String(to)];
}

interface Fields {
  readonly type: string;
  /** Term and index. */
  readonly log?: string;
  readonly commit?: number;
  readonly hint?: number;
}

function fieldsOf(message: Message): Fields {
  switch (message.kind) {
    case 'vote-request':
      return { type: 'MsgVote', log: `${message.lastTerm}/${message.lastIndex}` };
    case 'pre-vote-request':
      return { type: 'MsgPreVote', log: `${message.lastTerm}/${message.lastIndex}` };
    case 'vote-response':
      return { type: 'MsgVoteResp', ...(message.isRejected ? { hint: 0 } : {}) };
    case 'pre-vote-response':
      return { type: 'MsgPreVoteResp', ...(message.isRejected ? { hint: 0 } : {}) };
    case 'append':
      return { type: 'MsgApp', log: `${message.previousTerm}/${message.previousIndex}`, commit: message.commit };
    case 'append-response':
      return {
        type: 'MsgAppResp',
        log: `${message.hintTerm}/${message.index}`,
        ...(message.isRejected ? { hint: message.hintIndex } : {}),
      };
    case 'heartbeat':
      return { type: 'MsgHeartbeat', commit: message.commit };
    case 'heartbeat-response':
      return { type: 'MsgHeartbeatResp' };
    case 'snapshot':
      return { type: 'MsgSnap' };
    case 'timeout-now':
      return { type: 'MsgTimeoutNow' };
    case 'propose':
      return { type: 'MsgProp' };
    case 'transfer-request':
      return { type: 'MsgTransferLeader' };
    case 'read-index':
      return { type: 'MsgReadIndex' };
    case 'read-index-response':
      return { type: 'MsgReadIndexResp', log: `0/${message.index}` };
    // etcd has no barriers.
    case 'barrier':
    case 'barrier-response':
      return { type: message.kind };
    case 'storage-appended':
      return { type: 'MsgStorageAppendResp', log: `${message.indexTerm}/${message.index}` };
    case 'storage-applied':
      return { type: 'MsgStorageApplyResp' };
  }
}
