import { rounding } from './best-scores';
import type { ReadContext } from './read-context';
import { type RankedRow, type RankRequest, relevanceOf, relevanceWeight, scoreCandidates, scoreRow } from './score';
import { type RelevanceBounds, SessionRanking, type SessionRankingRequest } from './session-ranking';

// Reading the vectors of so many rows from SQLite takes about 5 ms.
const mostLearned = 512;

/**
 * Scores the candidates from both indexes with the context of their sessions, and sorts them, best first. The other memories of the sessions of
 * the best candidates are candidates, too. It reads at most `mostLearned` of them. Sessions that do not fit any more give no context.
 */
export function rankInSessions(context: ReadContext, request: RankRequest & SessionRankingRequest): RankedRow[] {
  const { ranked, keywordOf } = scoreCandidates(context, request);
  const scored = new Map(ranked.map((each) => [each.row, each]));
  const known = new Map(ranked.map((each) => [each.row, boundsOf(each)]));
  const score = (row: number) => scored.get(row) ?? scoreRow(context, request, row, keywordOf(row));
  const learn = (rows: readonly number[]) => {
    for (const row of rows) {
      const each = score(row);
      scored.set(row, each);
      known.set(row, boundsOf(each));
    }
    return true;
  };
  const sessions = new SessionRanking(context, request, {
    known,
    learn,
    mostLearned,
    highestOf: undefined,
    keywordOf,
    score,
  });
  const highOf = (row: number) => known.get(row)?.high ?? 0;
  sessions.add([...known.keys()].sort((a, b) => highOf(b) - highOf(a) || a - b));
  return sessions.ranked();
}

function boundsOf({ parts }: RankedRow): RelevanceBounds {
  const relevance = relevanceOf(parts) / relevanceWeight;
  return { low: relevance - rounding, high: relevance + rounding };
}
