import type { Command } from '../domain/command';
import { analyze } from './analyzer';

/**
 * Adds the number of tokens of each text to a command. A record and its checksum contain this number, and the analyzer depends on the
 * Unicode tables of Node. So with peers, the process that proposes a command counts, and the records of all peers stay equal even if they
 * run on different releases of Node.
 *
 * Only the number travels. The words themselves are derived: each peer indexes them with its own analyzer, and no command depends on them.
 * A store without peers leaves the number out, because `apply` counts the tokens that it indexes.
 */
export function withTokenCounts(command: Command): Command {
  if (command.type === 'remember') {
    const drafts = command.drafts.map((draft) => ({ ...draft, tokenCount: analyze(draft.text).length }));
    return { ...command, drafts };
  }
  if (command.type === 'consolidate') {
    const facts = command.facts.map((fact) => ({ ...fact, tokenCount: analyze(fact.text).length }));
    return { ...command, facts };
  }
  if (command.type !== 'update' || command.patch.text === undefined) return command;
  return { ...command, patch: { ...command.patch, tokenCount: analyze(command.patch.text).length } };
}
