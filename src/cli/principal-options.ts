import type { Principal } from '../index';
import type { CommandLine } from './command-line';

/** Options that say who asks. */
export const principalOptions = {
  agent: {
    value: 'ID',
    help: 'act as this agent; without --agent, --user or --service: as the host, who may do everything',
  },
  user: { value: 'ID', help: 'act as this user' },
  service: { value: 'ID', help: 'act as this service' },
  'on-behalf-of': { value: 'ID', help: 'for this user: only what both may' },
} as const;

/** What is wrong with who asks, a sentence each. */
export function principalProblems(line: CommandLine): readonly string[] {
  const named = kindsOf(line);
  const isAlone = named.length === 0 && line.text('on-behalf-of') !== undefined;
  return [
    ...(named.length > 1 ? [`One of ${named.map((each) => `--${each}`).join(', ')} at a time.`] : []),
    ...(isAlone ? ['--on-behalf-of needs --agent, --user or --service.'] : []),
  ];
}

/** Who asks; undefined for the host. */
export function principalOf(line: CommandLine): Principal | undefined {
  const [kind] = kindsOf(line);
  if (kind === undefined) return undefined;
  const userId = line.text('on-behalf-of');
  const id = { [`${kind}Id`]: line.text(kind) } as unknown as Principal;
  return userId === undefined ? id : { ...id, onBehalfOf: { userId } };
}

function kindsOf(line: CommandLine) {
  return (['agent', 'user', 'service'] as const).filter((kind) => line.text(kind) !== undefined);
}
