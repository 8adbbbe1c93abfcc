import { defined } from '../../domain/defined';
import type { Command } from '../cli-command';
import { readStore } from '../command-store';
import { principalOptions } from '../principal-options';
import { selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const rulesPerPage = 500;

/** `rules`: prints the declarations in force. */
export const rulesCommand: Command = {
  summary: 'Prints the rules, clearances, ceilings, retentions, roles and groups that are in force.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    namespace: selectionOptions.namespace,
    ended: { help: 'also print those that have ended' },
    ...principalOptions,
  },
  examples: [
    ['rules ./memory', 'who may do what, and how long memories are kept'],
    [
      'rules ./memory --namespace=support --ended',
      'about one namespace and those below it, with those that have ended',
    ],
  ],
  run: (line, { print, signal, ...terminal }) =>
    readStore(line, { print, signal, ...terminal }, async (_, { access }) => {
      const { namespace: within } = selectionOf(line);
      const some = { limit: rulesPerPage, ended: line.flag('ended'), signal, ...defined({ within }) };
      let after: string | undefined;
      do {
        const rules = await access.list({ ...some, ...defined({ after }) });
        for (const rule of rules) await print(JSON.stringify(rule));
        after = rules.at(-1)?.id;
      } while (after !== undefined);
      return exitCodes.success;
    }),
};
