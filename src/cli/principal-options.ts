import type { Principal } from '../index';
import type { CommandLine } from './command-line';
import { UsageError } from './usage-error';

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

/** Who asks; undefined for the host. Throws UsageError. */
export function principalOf(line: CommandLine): Principal | undefined {
  const named = (['agent', 'user', 'service'] as const).filter((kind) => line.text(kind) !== undefined);
  const [kind] = named;
  if (named.length > 1) throw new UsageError(`One of ${named.map((each) => `--${each}`).join(', ')} at a time.`);
  const userId = line.text('on-behalf-of');
  if (kind === undefined) {
    if (userId !== undefined) throw new UsageError('--on-behalf-of needs --agent, --user or --service.');
    return undefined;
  }
  const id = { [`${kind}Id`]: line.text(kind) } as unknown as Principal;
  return userId === undefined ? id : { ...id, onBehalfOf: { userId } };
}
