import { mayChange } from '../access/authorise';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import { memoryLabelsOf } from '../state/tables/memory-row';
import { compileSelection } from './compile-selection';
import type { ReadContext, Reader } from './read-context';

/** How many memories a selection holds, and the ids of those that the reader may forget. */
export function forgetTargets(
  context: ReadContext,
  reader: Reader,
  selection: ParsedSelection,
): { matched: number; ids: string[] } {
  const { state } = context;
  return context.snapshot(() => {
    const question = compileSelection(context, reader, selection);
    if (question === undefined) return { matched: 0, ids: [] };
    const found = state.selections.labelled(question.readable, question.selected, question.now);
    // Root forgets even records whose labels are damaged; no label of those can be trusted for anybody else.
    const allowed = found.filter(
      (line) =>
        isRoot(reader.actor) ||
        (state.interning.describe(line) !== undefined &&
          mayChange(state.policy, reader.actor, 'forget', memoryLabelsOf(state, line))),
    );
    return { matched: found.length, ids: allowed.map(({ id }) => id) };
  });
}
