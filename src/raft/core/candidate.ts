import type { Consensus } from './consensus';
import { countVote } from './election';
import { receiveFromLeader } from './follower';
import type { Message } from './messages';
import type { ProposalOutcome } from './proposal';

/** A message of this term arrives at a candidate or pre-candidate. */
export function receiveAtCandidate(node: Consensus, message: Message): ProposalOutcome | undefined {
  switch (message.kind) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      // Somebody else has won this term.
      node.becomeFollower(node.term, message.from);
      receiveFromLeader(node, message);
      return undefined;
    case 'vote-response':
    case 'pre-vote-response': {
      const awaited = node.role === 'candidate' ? 'vote-response' : 'pre-vote-response';
      if (message.kind === awaited) countVote(node, message.from, !message.isRejected);
      return undefined;
    }
    case 'propose':
      return { isAccepted: false, refusal: 'NO_LEADER' };
    default:
      return undefined;
  }
}
