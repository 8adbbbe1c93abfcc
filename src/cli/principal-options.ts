import type { Principal } from '../index';
import type { CommandLine } from './command-line';

/** Options for the principal (agent, user or service) that a command acts as. */
export const principalOptions = {
  agent: {
    valueName: 'ID',
    help: 'act as this agent; without --agent, --user and --service: act as the host, which may do everything',
  },
  user: { valueName: 'ID', help: 'act as this user' },
  service: { valueName: 'ID', help: 'act as this service' },
  'on-behalf-of': { valueName: 'ID', help: 'act for this user; allows only what both may do' },
} as const;

/** Returns problems of the principal options. Each is a sentence. */
export function principalProblems(line: CommandLine): readonly string[] {
  const kinds = kindsOf(line);
  return [
    ...(kinds.length > 1 ? [`Give only one of ${kinds.map((kind) => `--${kind}`).join(', ')}.`] : []),
    ...(kinds.length === 0 && line.isGiven('on-behalf-of')
      ? ['--on-behalf-of requires --agent, --user or --service.']
      : []),
  ];
}

/** Returns the principal that a command acts as, or undefined for the host. */
export function principalOf(line: CommandLine): Principal | undefined {
  const [kind] = kindsOf(line);
  if (kind === undefined) return undefined;
  const userId = line.text('on-behalf-of');
  const party = { [`${kind}Id`]: line.text(kind) } as unknown as Principal;
  return userId === undefined ? party : { ...party, onBehalfOf: { userId } };
}

function kindsOf(line: CommandLine) {
  return (['agent', 'user', 'service'] as const).filter((kind) => line.text(kind) !== undefined);
}
