import type { CommandLine } from '../command-line';
import type { Format, Target } from './format';
import { langchain } from './langchain';
import { langgraph } from './langgraph';
import { mem0 } from './mem0';
import { ownExport } from './own-export';

const byName = { export: ownExport, mem0, langgraph, langchain } satisfies Record<string, (target: Target) => Format>;

/** What `import --from` takes. */
export const formats = Object.keys(byName) as (keyof typeof byName)[];

/** The format that a command line names. */
export function formatOf(line: CommandLine, target: Target): Format {
  return byName[(line.text('from') ?? 'export') as keyof typeof byName](target);
}
