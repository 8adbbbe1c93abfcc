import { mayChange } from '../access/authorise';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import { labelsOf } from '../state/apply-context';
import type { ReadContext, Reader } from './read-context';
import { selecting } from './selecting';

/** How many memories a selection holds, and the ids of those that the reader may forget. */
export function forgettable(
  context: ReadContext,
  reader: Reader,
  selection: ParsedSelection,
): { matched: number; ids: string[] } {
  const { truth } = context;
  return context.snapshot(() => {
    const question = selecting(context, reader, selection);
    if (question === undefined) return { matched: 0, ids: [] };
    const found = truth.selections.labelled(question.readable, question.selected, question.now);
    // Root forgets even records whose labels are damaged; no label of those can be trusted for anybody else.
    const allowed = found.filter(
      (line) =>
        isRoot(reader.actor) ||
        (truth.interning.describe(line) !== undefined &&
          mayChange(truth.policy, reader.actor, 'forget', labelsOf(truth, line))),
    );
    return { matched: found.length, ids: allowed.map(({ id }) => id) };
  });
}
