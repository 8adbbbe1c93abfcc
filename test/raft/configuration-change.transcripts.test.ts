import { describe, expect, test } from 'vitest';
import type { Configuration } from '../../src/raft/core/configuration';
import {
  type ChangeRefusal,
  type ChangeResult,
  enteredJoint,
  leftJoint,
  simpleChange,
} from '../../src/raft/core/configuration-change';
import { Peers } from '../../src/raft/core/peers';
import { type Directive, etcdTranscripts, replayTitle, whyEtcdIsSkipped } from './replay/directives';
import { changesOf, configurationText, progressText } from './replay/print';

const transcripts = etcdTranscripts('confchange/testdata');

describe.skipIf(whyEtcdIsSkipped !== undefined)(replayTitle("etcd's transcripts of configuration changes"), () => {
  test('are 9 files with 58 directives', () => {
    const directives = [...transcripts.values()].map(({ length }) => length);
    expect([transcripts.size, directives.reduce((sum, length) => sum + length, 0)]).toEqual([9, 58]);
  });

  for (const [name, directives] of transcripts)
    test(`${name} agrees in all directives`, () => {
      const peers = new Peers({ maxInflightMessages: 10, maxInflightBytes: 1_000 });
      directives.forEach((directive, at) => {
        const { configuration, refusal } = change(peers.configuration, directive);
        // Each directive stands for one entry of the log, so that a new member shows when it came.
        if (configuration !== undefined) peers.configure(configuration, at);
        const output = refusal === undefined ? linesOf(peers) : [refusalTexts[refusal]];
        expect({ line: directive.line, output }).toEqual({ line: directive.line, output: directive.expected });
      });
    });
});

function change(from: Configuration, { command, options, input }: Directive): ChangeResult {
  if (command === 'leave-joint') return leftJoint(from);
  const changes = changesOf(input.join(' '));
  return command === 'simple'
    ? simpleChange(from, changes)
    : enteredJoint(from, changes, options.get('autoleave')?.[0] === 'true');
}

function linesOf(peers: Peers): readonly string[] {
  return [
    configurationText(peers.configuration),
    ...peers.ids.map((id) => {
      const progress = peers.progressOf(id)!;
      return `${id}: ${progressText({ ...statusOf(progress), id, isLearner: peers.isLearner(id) })}`;
    }),
  ];
}

function statusOf(progress: NonNullable<ReturnType<Peers['progressOf']>>) {
  const { state, match, next, isActive, mustWait, pendingSnapshot, inflights } = progress;
  return {
    state,
    match,
    next,
    isActive,
    isWaiting: mustWait,
    applied: 0,
    mayHoldLease: false,
    pendingSnapshot,
    inflightMessages: inflights.count,
    isInflightFull: inflights.isFull,
  };
}

// What the transcripts print for each reason.
const refusalTexts: Record<ChangeRefusal, string> = {
  ALREADY_JOINT: 'config is already joint',
  NOT_JOINT: "can't leave a non-joint config",
  JOINT_IN_SIMPLE_CHANGE: "can't apply simple config change in joint config",
  NO_VOTERS_TO_JOIN: "can't make a zero-voter config joint",
  NO_VOTERS_LEFT: 'removed all voters',
  MORE_THAN_ONE_VOTER: 'more than one voter changed without entering joint config',
  TOO_MANY_VOTERS: 'too many voters',
};
