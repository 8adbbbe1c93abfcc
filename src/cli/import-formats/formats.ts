import type { CommandLine } from '../command-line';
import type { Format, Target } from './format';
import { langchain } from './langchain';
import { mem0 } from './mem0';
import { ownExport } from './own-export';

const byName = { export: ownExport, mem0, langchain } satisfies Record<string, (target: Target) => Format>;

/** What `import --from` takes. */
export const formats = Object.keys(byName) as (keyof typeof byName)[];

/** The format that a command line names. Throws UsageError. */
export function formatOf(line: CommandLine, target: Target): Format {
  return byName[line.oneOf('from', formats) ?? 'export'](target);
}
